import { X509Certificate } from "node:crypto";
import { connect, type TLSSocket } from "node:tls";
import type { TlsMaterial } from "./tls-files.js";

/** A handshake to try. */
export interface TlsAttempt {
  /** `host:port` */
  readonly url: string;
  readonly material: TlsMaterial;
  readonly serverName?: string | undefined;
}

/** How long the handshake may take, and then the first word of the server. */
const ATTEMPT_MS = 1_000;

/**
 * Why there is no TLS with a server, in one sentence; undefined if there is, or if nobody is there at all. gRPC itself
 * does not tell when it is our certificate that is refused: then the server only hangs up after the handshake.
 * Never rejects.
 */
export async function explainTls(attempt: TlsAttempt): Promise<string | undefined> {
  const { material, serverName, url } = attempt;
  const colon = url.lastIndexOf(":");
  const host = url.slice(0, colon).replace(/^\[|\]$/g, "");
  const socket = connect({
    host,
    port: Number(url.slice(colon + 1)),
    ALPNProtocols: ["h2"],
    ...{ ca: material.ca, cert: material.cert, key: material.key },
    ...(serverName === undefined ? {} : { servername: serverName }),
  });
  const end = await endOf(socket);
  socket.destroy();
  if (end === "spoke" || end === "silent") return undefined;
  if (end === "hung up") return whyNotWelcome(material);
  return sentenceFor(end, { name: serverName ?? host, material });
}

/** A server that is content says something first: HTTP/2 begins with its settings. */
function endOf(socket: TLSSocket): Promise<NodeJS.ErrnoException | "spoke" | "hung up" | "silent"> {
  return new Promise((resolve) => {
    let shaken = false;
    socket.once("secureConnect", () => (shaken = true));
    socket.once("data", () => resolve("spoke"));
    socket.once("end", () => resolve(shaken ? "hung up" : "silent"));
    // A second error may follow the first.
    socket.on("error", (error: NodeJS.ErrnoException) =>
      resolve(shaken && error.code === "ECONNRESET" ? "hung up" : error),
    );
    socket.setTimeout(ATTEMPT_MS, () => resolve("silent"));
  });
}

/** Errors of Node and OpenSSL that mean the same to an operator. */
const UNKNOWN_AUTHORITY = new Set([
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "CERT_SIGNATURE_FAILURE",
]);

function sentenceFor(
  { code = "", message }: NodeJS.ErrnoException,
  { name, material }: { readonly name: string; readonly material: TlsMaterial },
): string | undefined {
  if (UNKNOWN_AUTHORITY.has(code)) return "Triton's certificate is not signed by an authority in TRITON_TLS_CA";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return `Triton's certificate is not for ${name}, or set TRITON_TLS_NAME`;
  if (code === "CERT_HAS_EXPIRED") return "Triton's certificate has expired";
  if (code === "CERT_NOT_YET_VALID") return "Triton's certificate is not valid yet";
  if (code === "ERR_SSL_WRONG_VERSION_NUMBER") return "Triton does not speak TLS on this port";
  if (/^ERR_SSL_.*ALERT.*(CERT|CA$)/.test(code)) return whyNotWelcome(material);
  return /^(ERR_SSL|ERR_TLS|CERT_)/.test(code) ? `TLS with Triton fails: ${message}` : undefined;
}

function whyNotWelcome({ cert }: TlsMaterial): string {
  if (cert === undefined) return "Triton asks for a client certificate: set TRITON_TLS_CERT and TRITON_TLS_KEY";
  const { validTo } = new X509Certificate(cert);
  if (Date.parse(validTo) < Date.now()) return `the client certificate in TRITON_TLS_CERT has expired (${validTo})`;
  return "Triton does not accept the client certificate in TRITON_TLS_CERT: it does not trust its authority";
}
