import { BrokerError } from "@sluice/broker";

/** What went wrong, by the codes of Node and undici, in words that tell nothing of our network. */
const REASONS: readonly (readonly [codes: RegExp, reason: string])[] = [
  [/^(ENOTFOUND|ENODATA|EBADNAME|ENONAME)$/, "the name of its host is not known"],
  [
    /^(CERT_|ERR_TLS_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_SSL_|EPROTO)/,
    "there is no trusted TLS connection to its host",
  ],
  [/^(ECONN|EHOST|ENET|EADDR)/, "its host could not be reached, or hung up"],
  [/^(UND_ERR_|HPE_)/, "its host hung up, or answered with no valid HTTP/1.1"],
];

/** The error for a fetch that failed. Codes and names stay in its cause. */
export function toFetchFailure(error: unknown): BrokerError {
  if (error instanceof BrokerError) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ETIMEOUT" || code === "ETIMEDOUT") {
    return new BrokerError("input-fetch-timeout", "the host of the image did not answer in time", { cause: error });
  }
  const reason = REASONS.find(([codes]) => codes.test(code))?.[1] ?? "its host did not send it";
  return new BrokerError("input-fetch-failed", `the image could not be fetched: ${reason}`, { cause: error });
}
