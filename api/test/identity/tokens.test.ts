import { systemClock } from "@sluice/broker";
import { exportSPKI } from "jose";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { CheckCredential } from "../../src/identity/identify.js";
import { createTokenCheck } from "../../src/identity/token-check.js";
import { AUDIENCE, createForge, EC_KID, type Forge, forgedTokens, ISSUER, keySetOf, signed } from "./forged-tokens.js";

let forge: Forge;
let dir: string;
/** What was asked of the issuer, and of anybody else. */
let asked: string[] = [];
let isDown = false;
let keySet = "";
const server = createServer((request, response) => {
  asked.push(request.url ?? "");
  response.writeHead(isDown ? 503 : 200, { "content-type": "application/json" }).end(keySet);
});
let base = "";

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  forge = await createForge(base);
  keySet = JSON.stringify(await keySetOf(forge));
  dir = await mkdtemp(join(tmpdir(), "sluice-keys-"));
});
beforeEach(() => {
  asked = [];
  isDown = false;
});
afterAll(async () => {
  server.close();
  await rm(dir, { recursive: true });
});

const options = { issuer: ISSUER, audience: AUDIENCE, algorithms: ["RS256", "ES256"] } as const;
const byUrl = (clock = systemClock) =>
  createTokenCheck({ ...options, keys: { kind: "url", url: new URL(`${base}/jwks.json`) } }, clock);
const byFile = async () => {
  const file = join(dir, "key.pem");
  await writeFile(file, await exportSPKI(forge.rsa.publicKey));
  return await createTokenCheck({ ...options, keys: { kind: "file", file } }, systemClock);
};

async function expectOpen(check: CheckCredential): Promise<void> {
  expect(await check(await signed(forge))).toMatchObject({ scopes: ["submit", "read"] });
}

describe.each([
  ["a key set behind a URL", byUrl],
  ["a key in a file", byFile],
])("tokens against %s", (_how, open) => {
  test("those of the issuer are taken, and say who it is by a hash", async () => {
    const check = await open();
    const [anna, again, bert] = await Promise.all([
      check(await signed(forge)),
      check(await signed(forge, { header: { typ: "at+jwt" }, change: { aud: ["x", AUDIENCE], scope: "read other" } })),
      check(await signed(forge, { change: { sub: "bert:{q:1}", scope: undefined, scp: ["submit", "read", "admin"] } })),
    ]);
    expect(anna?.owner).toMatch(/^j_[A-Za-z0-9_-]{27}$/);
    expect(again).toEqual({ owner: anna?.owner, scopes: ["read"] });
    expect(bert?.owner).toMatch(/^j_[A-Za-z0-9_-]{27}$/);
    expect(bert?.owner).not.toBe(anna?.owner);
    expect(bert?.scopes).toEqual(["submit", "read", "admin"]);
  });

  test("no forged one is, and none sends us anywhere", async () => {
    const check = await open();
    const tokens = await forgedTokens(forge);
    expect(tokens.length).toBeGreaterThanOrEqual(40);
    const opened = [];
    for (const [what, token] of tokens) if (await check(token)) opened.push(what);
    expect(opened).toEqual([]);
    await expectOpen(check);
    expect(asked.filter((path) => path !== "/jwks.json")).toEqual([]);
  });
});

test("the corpus can be told from good tokens: whoever only decodes takes most of it", async () => {
  const tokens = await forgedTokens(forge);
  const believed = tokens.filter(([, token]) => {
    try {
      const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as { sub?: unknown };
      return claims.sub === "anna";
    } catch {
      return false;
    }
  });
  expect(believed.length).toBeGreaterThan(30);
});

test("100 unknown keys ask the issuer for its keys once, and once more after 30 s", async () => {
  const check = await byUrl();
  await expectOpen(check);
  const before = asked.length;
  for (let i = 0; i < 100; i++) {
    const token = await signed(forge, { header: { kid: `unknown-${i}` }, key: forge.foreign.privateKey });
    expect(await check(token)).toBeUndefined();
  }
  expect(asked.length - before).toBeLessThanOrEqual(1);
});

test("while the issuer is down it says so and asks seldom; what is known already goes on", async () => {
  let nowMs = 0;
  const check = await byUrl({ ...systemClock, monotonicMs: () => nowMs });
  isDown = true;
  for (let i = 0; i < 20; i++) {
    await expect(check(await signed(forge, { change: { jti: i } }))).rejects.toMatchObject({
      code: "identity-unavailable",
    });
  }
  expect(asked).toHaveLength(1);
  isDown = false;
  nowMs += 5_000;
  await expectOpen(check);
  isDown = true;
  await expectOpen(check);
});

test("an EC key of the set, and a token that is asked about again, cost no second look", async () => {
  const check = await byUrl();
  const token = await signed(forge, { header: { alg: "ES256", kid: EC_KID }, key: forge.ec.privateKey });
  const first = await check(token);
  expect(first).toBeDefined();
  expect(await check(token)).toBe(first);
});

test("a token that ends while it is remembered opens nothing any more", async () => {
  let nowMs = Date.now();
  const check = await byUrl({ epochMs: () => nowMs, monotonicMs: () => nowMs });
  const token = await signed(forge, { change: { exp: Math.floor(nowMs / 1_000) + 2 } });
  expect(await check(token)).toBeDefined();
  nowMs += 8_000;
  expect(await check(token)).toBeUndefined();
});

test("a file without a key, or none, is refused at the start", async () => {
  const file = join(dir, "none.pem");
  const open = () => createTokenCheck({ ...options, keys: { kind: "file", file } }, systemClock);
  await expect(open()).rejects.toMatchObject({ code: "config-invalid" });
  await writeFile(file, "no key");
  await expect(open()).rejects.toMatchObject({ code: "config-invalid" });
});
