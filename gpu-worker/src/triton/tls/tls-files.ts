import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { BrokerError } from "@sluice/broker";

/** Where the certificates for a Triton lie, as PEM. */
export interface TlsFiles {
  /** Authorities of which one must have signed Triton's certificate. */
  readonly ca: string;
  /** Our own certificate (with what leads to its authority) and its key, for a Triton that asks for one. */
  readonly own?: { readonly cert: string; readonly key: string };
  /** The name that Triton's certificate must have, if it is not that in the URL. */
  readonly serverName?: string;
}

/** What was in the files. */
export interface TlsMaterial {
  readonly ca: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  /** Equal for equal contents. */
  readonly fingerprint: string;
}

/** What is in the files now. @throws BrokerError config-invalid with one sentence if one cannot be read or used. */
export function loadTlsMaterial({ ca, own }: TlsFiles): TlsMaterial {
  return checkMaterial(contentsOf(own ? [ca, own.cert, own.key] : [ca], readOrThrow));
}

/** The same without blocking, for looking again. Resolves with undefined if the contents are those of `known`. */
export async function reloadTlsMaterial({ ca, own }: TlsFiles, known: string): Promise<TlsMaterial | undefined> {
  const paths = own ? [ca, own.cert, own.key] : [ca];
  const read = await Promise.all(
    paths.map((path) => readFile(path).catch((error: unknown) => unreadable(path, error))),
  );
  const contents = contentsOf(read, (content) => content);
  return contents.fingerprint === known ? undefined : checkMaterial(contents);
}

function contentsOf<Source>(sources: readonly Source[], read: (source: Source) => Buffer): TlsMaterial {
  const contents = sources.map(read);
  const hash = createHash("sha256");
  for (const content of contents) hash.update(`${content.length} `).update(content);
  const [ca = Buffer.alloc(0), cert, key] = contents;
  return { ca, ...(cert && key ? { cert, key } : {}), fingerprint: hash.digest("hex") };
}

/** Also finds a key that does not belong to its certificate, as when only one of the two files was replaced yet. */
function checkMaterial(material: TlsMaterial): TlsMaterial {
  const { ca, cert, key } = material;
  if (!ca.includes("-----BEGIN CERTIFICATE-----")) throw invalid("the CA file holds no certificate in PEM", undefined);
  try {
    createSecureContext({ ca, cert, key });
    return material;
  } catch (error) {
    throw invalid(`the TLS files cannot be used: ${String(error)}`, error);
  }
}

function readOrThrow(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    return unreadable(path, error);
  }
}

function unreadable(path: string, cause: unknown): never {
  throw invalid(`the TLS file ${path} cannot be read: ${String(cause)}`, cause);
}

function invalid(message: string, cause: unknown): BrokerError {
  return new BrokerError("config-invalid", message, { cause });
}
