import {
  base64url,
  calculateJwkThumbprint,
  CompactSign,
  exportJWK,
  exportPKCS8,
  exportSPKI,
  generateKeyPair,
  type JWTPayload,
  SignJWT,
  UnsecuredJWT,
} from "jose";

export const ISSUER = "https://issuer.example";
export const AUDIENCE = "sluice";

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;
/** What the issuer has, what an attacker has, and a place that nobody must be sent to. */
export interface Forge {
  readonly rsa: KeyPair;
  readonly ec: KeyPair;
  readonly foreign: KeyPair;
  readonly foreignEc: KeyPair;
  /** A server that counts who comes. */
  readonly trapUrl: string;
}

export const RSA_KID = "rsa-1";
export const EC_KID = "ec-1";

export async function createForge(trapUrl: string): Promise<Forge> {
  const make = (alg: string) => generateKeyPair(alg, { extractable: true });
  const [rsa, ec, foreign, foreignEc] = await Promise.all([make("RS256"), make("ES256"), make("RS256"), make("ES256")]);
  return { rsa, ec, foreign, foreignEc, trapUrl };
}

/** The issuer's public keys. */
export async function keySetOf({ rsa, ec }: Forge) {
  return {
    keys: [
      { ...(await exportJWK(rsa.publicKey)), kid: RSA_KID, alg: "RS256", use: "sig" },
      { ...(await exportJWK(ec.publicKey)), kid: EC_KID, alg: "ES256", use: "sig" },
    ],
  };
}

const nowS = () => Math.floor(Date.now() / 1_000);
const claims = (): JWTPayload => ({
  iss: ISSUER,
  aud: AUDIENCE,
  sub: "anna",
  scope: "submit read",
  iat: nowS(),
  exp: nowS() + 300,
});

interface Made {
  readonly change?: Record<string, unknown>;
  readonly header?: Record<string, unknown>;
  readonly key?: Parameters<SignJWT["sign"]>[0];
}

/** A token that is right in every way but those that are asked for. */
export async function signed(forge: Forge, { change = {}, header = {}, key }: Made = {}): Promise<string> {
  const payload = Object.fromEntries(
    Object.entries({ ...claims(), ...change }).filter(([, value]) => value !== undefined),
  );
  const protectedHeader = { alg: "RS256", kid: RSA_KID, ...header };
  const jwt = new CompactSign(Buffer.from(JSON.stringify(payload))).setProtectedHeader(protectedHeader);
  const crit = Object.fromEntries(((header["crit"] as string[] | undefined) ?? []).map((name) => [name, true]));
  return await jwt.sign(key ?? forge.rsa.privateKey, { crit });
}

/** Another header or payload under a signature that was made for something else. */
function swapped(token: string, part: 0 | 1, value: Record<string, unknown>): string {
  const parts = token.split(".");
  const before = JSON.parse(Buffer.from(parts[part] ?? "", "base64url").toString()) as object;
  parts[part] = base64url.encode(JSON.stringify({ ...before, ...value }));
  return parts.join(".");
}

/** Tokens that must open nothing. */
export async function forgedTokens(forge: Forge): Promise<readonly (readonly [what: string, token: string])[]> {
  const { rsa, ec, foreign, foreignEc, trapUrl } = forge;
  const good = await signed(forge);
  const [head = "", body = "", signature = ""] = good.split(".");
  const foreignJwk = await exportJWK(foreign.publicKey);
  const secrets = {
    "the public key in PEM": Buffer.from(await exportSPKI(rsa.publicKey)),
    "the public key as JWK": Buffer.from(JSON.stringify(await exportJWK(rsa.publicKey))),
    "the modulus": Buffer.from(String((await exportJWK(rsa.publicKey)).n), "base64url"),
    nothing: Buffer.alloc(32),
  };
  const make = (made: Made) => signed(forge, made);
  const byStranger = (made: Made) => signed(forge, { key: foreign.privateKey, ...made });
  const rows: (readonly [string, string | Promise<string>])[] = [
    ["no signature, alg none", new UnsecuredJWT(claims()).encode()],
    ...["none", "None", "NONE", "nOnE", ""].map(
      (alg) => [`alg ${alg} over a good one`, swapped(good, 0, { alg })] as const,
    ),
    ["alg none without a signature", `${swapped(good, 0, { alg: "none" }).split(".").slice(0, 2).join(".")}.`],
    ...Object.entries(secrets).map(
      ([what, secret]) => [`HS256 with ${what}`, make({ header: { alg: "HS256" }, key: secret })] as const,
    ),
    ["HS512 with the public key", make({ header: { alg: "HS512" }, key: secrets["the public key in PEM"] })],
    ["RS512, which is not allowed", swapped(good, 0, { alg: "RS512" })],
    ["PS256, which is not allowed", swapped(good, 0, { alg: "PS256" })],
    ["ES256 over RSA", swapped(good, 0, { alg: "ES256" })],
    ["ES256 with the name of the RSA key", make({ header: { alg: "ES256" }, key: ec.privateKey })],
    ["a stranger's key", byStranger({})],
    ["a stranger's key without a name", byStranger({ header: { kid: undefined } })],
    ["a stranger's EC key", make({ header: { alg: "ES256", kid: EC_KID }, key: foreignEc.privateKey })],
    ["a key in its header", byStranger({ header: { jwk: foreignJwk } })],
    [
      "a key in its header under its thumbprint",
      byStranger({ header: { jwk: foreignJwk, kid: await calculateJwkThumbprint(foreignJwk) } }),
    ],
    ["a set elsewhere", byStranger({ header: { jku: `${trapUrl}/jwks` } })],
    ["a certificate elsewhere", byStranger({ header: { x5u: `${trapUrl}/cert` } })],
    [
      "a certificate in its header",
      byStranger({ header: { x5c: [Buffer.from("no certificate").toString("base64")] } }),
    ],
    ["an unknown critical field", make({ header: { crit: ["urn:x"], "urn:x": 1 } })],
    ["unencoded payload (b64 false)", swapped(good, 0, { b64: false, crit: ["b64"] })],
    ...["../../etc/passwd", "' OR 1=1 --", `${trapUrl}/key`, "a\u0000b", "x".repeat(1_000), "unknown"].map(
      (kid) => [`kid ${kid.slice(0, 20)}`, byStranger({ header: { kid } })] as const,
    ),
    ["expired", make({ change: { exp: nowS() - 10 } })],
    ["expired long ago", make({ change: { exp: 1 } })],
    ["without an end", make({ change: { exp: undefined } })],
    ["an end that is a text", make({ change: { exp: "tomorrow" } })],
    ["not yet valid", make({ change: { nbf: nowS() + 60 } })],
    ["made in the future", make({ change: { iat: nowS() + 3_600 } })],
    ["another issuer", make({ change: { iss: "https://issuer.example.evil" } })],
    ["no issuer", make({ change: { iss: undefined } })],
    ["another audience", make({ change: { aud: "sluice2" } })],
    ["no audience", make({ change: { aud: undefined } })],
    ["a list of other audiences", make({ change: { aud: ["a", "b"] } })],
    ["no subject", make({ change: { sub: undefined } })],
    ["an empty subject", make({ change: { sub: "" } })],
    ["a subject of spaces", make({ change: { sub: "  " } })],
    ["a subject with a line break", make({ change: { sub: "anna\nbert" } })],
    ["a subject with a zero", make({ change: { sub: "anna\u0000" } })],
    ["a subject of 10,000 letters", make({ change: { sub: "a".repeat(10_000) } })],
    ["a subject that is a number", make({ change: { sub: 42 } })],
    ["another type", make({ header: { typ: "logout+jwt" } })],
    ["another payload", swapped(good, 1, { sub: "bert" })],
    ["more scopes", swapped(good, 1, { scope: "submit read admin" })],
    ["its signature changed", `${head}.${body}.${signature.slice(0, -4)}AAAA`],
    ["its signature cut", `${head}.${body}.${signature.slice(0, 20)}`],
    ["two parts", `${head}.${body}`],
    ["four parts", `${good}.${signature}`],
    ["five parts, as an encrypted one", `${head}.a.b.${body}.${signature}`],
    [
      "a payload that is a list",
      new CompactSign(Buffer.from("[1]")).setProtectedHeader({ alg: "RS256", kid: RSA_KID }).sign(rsa.privateKey),
    ],
    ["no JSON", `${base64url.encode("{")}.${body}.${signature}`],
    ["the private key in PEM", Promise.resolve(base64url.encode(await exportPKCS8(foreign.privateKey)))],
    ["dots", ".."],
  ];
  return await Promise.all(rows.map(async ([what, token]) => [what, await token] as const));
}
