import { type ChannelCredentials, credentials } from "@grpc/grpc-js";
import type { Logger } from "pino";
import type { ChannelSecurity } from "../triton-client.js";
import { explainTls } from "./explain-tls.js";
import { loadTlsMaterial, reloadTlsMaterial, type TlsFiles, type TlsMaterial } from "./tls-files.js";

/** For whom. */
export interface TlsSecurityOptions {
  /** `host:port` of the Triton. */
  readonly url: string;
  readonly files: TlsFiles;
  /** How often the files are read again: a change by any means is seen, also that of a mounted secret. @defaultValue 2000 */
  readonly rereadMs?: number;
}

const REREAD_MS = 2_000;
/** How long an explanation holds. */
const EXPLAINED_MS = 2_000;

/**
 * TLS with the certificates in files, which are read again as long as it is open. What cannot be used when it comes, such
 * as a certificate whose key is not there yet, changes nothing and is logged.
 * @throws BrokerError config-invalid if they cannot be used now.
 */
export function createTlsSecurity(
  { url, files, rereadMs = REREAD_MS }: TlsSecurityOptions,
  log: Pick<Logger, "info" | "warn">,
): ChannelSecurity {
  let material = loadTlsMaterial(files);
  let onChange: () => void = () => undefined;
  let refused = "";
  const reread = async (): Promise<void> => {
    try {
      const changed = await reloadTlsMaterial(files, material.fingerprint);
      refused = "";
      if (!changed) return;
      material = changed;
      explanation.forget();
      log.info({}, "TLS files have changed: new connections use them");
      onChange();
    } catch (error) {
      if (String(error) !== refused) log.warn({ err: error }, "TLS files cannot be used: those before them stay");
      refused = String(error);
    }
  };
  const timer = setInterval(() => void reread(), rereadMs);
  timer.unref();
  const { serverName } = files;
  const explanation = createExplanation(() => explainTls({ url, material, serverName }), log);
  return {
    credentials: () => credentialsOf(material),
    ...(serverName === undefined ? {} : { serverName }),
    whenChanged: (renew) => (onChange = renew),
    explain: () => explanation.ask(),
    close: () => clearInterval(timer),
  };
}

function credentialsOf({ ca, cert, key }: TlsMaterial): ChannelCredentials {
  return credentials.createSsl(ca, key ?? null, cert ?? null);
}

/** Asks once for all calls that fail at about the same time; logs each answer that is not the one before. */
function createExplanation(explain: () => Promise<string | undefined>, log: Pick<Logger, "warn">) {
  let asked: { readonly atMs: number; readonly answer: Promise<string | undefined> } | undefined;
  let said: string | undefined;
  const askNow = async (): Promise<string | undefined> => {
    const reason = await explain();
    if (reason !== undefined && reason !== said) log.warn({ reason }, "no TLS with Triton");
    said = reason;
    return reason;
  };
  return {
    async ask(): Promise<string | undefined> {
      const nowMs = performance.now();
      if (asked === undefined || nowMs - asked.atMs > EXPLAINED_MS) asked = { atMs: nowMs, answer: askNow() };
      return await asked.answer;
    },
    forget: () => (asked = undefined),
  };
}
