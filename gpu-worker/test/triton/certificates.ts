import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import forge from "node-forge";

/** A certificate and its key, as PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Certificates of one authority. */
export interface Authority extends Certificate {
  /** For a server of this name, or a client. */
  issue(name: string, validity?: Validity): Certificate;
}

interface Validity {
  readonly fromMs: number;
  readonly untilMs: number;
}

const DAY = 86_400_000;

/** A new authority; its certificates are good for a day unless asked otherwise. */
export function createAuthority(name: string): Authority {
  const own = createKeys();
  const cert = sign({ name, keys: own, signer: { name, key: own.privateKey } }, [
    { name: "basicConstraints", cA: true, critical: true },
    { name: "keyUsage", keyCertSign: true, critical: true },
  ]);
  return {
    ...cert,
    issue(subject, validity) {
      return sign({ name: subject, keys: createKeys(), signer: { name, key: own.privateKey }, validity }, [
        { name: "extKeyUsage", serverAuth: true, clientAuth: true },
        { name: "subjectAltName", altNames: [altName(subject)] },
      ]);
    },
  };
}

/** A folder with files of these contents; it is removed by `remove`. */
export function writeCertificates<Name extends string>(contents: Readonly<Record<Name, string>>) {
  const folder = mkdtempSync(join(tmpdir(), "sluice-tls-"));
  const names = Object.keys(contents) as Name[];
  const paths = Object.fromEntries(names.map((name) => [name, join(folder, `${name}.pem`)])) as Record<Name, string>;
  const write = (name: Name, text: string): void => writeFileSync(paths[name], text);
  for (const name of names) write(name, contents[name]);
  return { paths, write, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

let serial = Date.now();

function sign(
  subject: {
    readonly name: string;
    readonly keys: Keys;
    readonly signer: { readonly name: string; readonly key: forge.pki.PrivateKey };
    readonly validity?: Validity | undefined;
  },
  extensions: object[],
): Certificate {
  const { name, keys, signer, validity = { fromMs: Date.now() - DAY, untilMs: Date.now() + DAY } } = subject;
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = keys.publicKey;
  certificate.serialNumber = `00${(serial++).toString(16).padStart(12, "0")}`;
  certificate.validity = { notBefore: new Date(validity.fromMs), notAfter: new Date(validity.untilMs) };
  certificate.setSubject([{ name: "commonName", value: name }]);
  certificate.setIssuer([{ name: "commonName", value: signer.name }]);
  certificate.setExtensions(extensions);
  certificate.sign(signer.key as forge.pki.rsa.PrivateKey, forge.md.sha256.create());
  return { cert: forge.pki.certificateToPem(certificate), key: keys.pem };
}

interface Keys {
  readonly publicKey: forge.pki.rsa.PublicKey;
  readonly privateKey: forge.pki.rsa.PrivateKey;
  readonly pem: string;
}

/** The library makes keys in JavaScript, which takes seconds. */
function createKeys(): Keys {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  return {
    publicKey: forge.pki.publicKeyFromPem(publicKey),
    privateKey: forge.pki.privateKeyFromPem(privateKey),
    pem: privateKey,
  };
}

/** Types of RFC 5280: 7 is an address, 2 a name. */
function altName(name: string): object {
  return /^[\d.]+$/.test(name) ? { type: 7, ip: name } : { type: 2, value: name };
}
