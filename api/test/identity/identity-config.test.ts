import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config.js";

const identity = (environment: Record<string, string>, args: string[] = []) => parseConfig(environment, args).identity;
const off = { keys: false, tokens: undefined };

describe("identity", () => {
  test.each(["127.0.0.1", "127.8.0.1", "::1", "localhost"])("is off where only this machine reaches %s", (HOST) => {
    expect(identity({ HOST })).toEqual(off);
    expect(identity({ HOST, IDENTITY: "off" })).toEqual(off);
  });

  test.each(["0.0.0.0", "::", "10.0.0.1", "example.org", "127.example.org"])(
    "must be on where others reach %s, or somebody must say that it need not be",
    (HOST) => {
      expect(() => identity({ HOST })).toThrow(/HOST.*--insecure/);
      expect(() => identity({ HOST, IDENTITY: "off" })).toThrow(/HOST.*--insecure/);
      expect(identity({ HOST }, ["--insecure"])).toEqual(off);
      expect(identity({ HOST, IDENTITY: "keys" })).toEqual({ keys: true, tokens: undefined });
    },
  );

  const jwt = { IDENTITY: "jwt", JWT_ISSUER: "https://a", JWT_AUDIENCE: "sluice", JWT_KEYS: "https://a/jwks" };
  const tokens = { issuer: "https://a", audience: "sluice", algorithms: ["RS256", "ES256", "EdDSA"] };

  test("by tokens needs issuer, audience and keys", () => {
    const keys = { kind: "url", url: new URL("https://a/jwks") };
    expect(identity(jwt)).toEqual({ keys: false, tokens: { ...tokens, keys } });
    expect(identity({ ...jwt, IDENTITY: "keys,jwt", JWT_KEYS: "/etc/key.pem", JWT_ALGORITHMS: "ES256" })).toEqual({
      keys: true,
      tokens: { ...tokens, algorithms: ["ES256"], keys: { kind: "file", file: "/etc/key.pem" } },
    });
    for (const name of ["JWT_ISSUER", "JWT_AUDIENCE", "JWT_KEYS"]) {
      expect(() => identity({ ...jwt, [name]: "" })).toThrow(/JWT_ISSUER, JWT_AUDIENCE and JWT_KEYS/);
    }
  });

  test("never by shared secrets, nor by keys that come in the clear", () => {
    for (const algorithms of ["HS256", "none", "RS256,HS256", ""]) {
      expect(() => identity({ ...jwt, JWT_ALGORITHMS: algorithms })).toThrow(/JWT_ALGORITHMS/);
    }
    for (const keys of ["http://a/jwks", "ftp://a/jwks", "https://"]) {
      expect(() => identity({ ...jwt, JWT_KEYS: keys })).toThrow(/JWT_KEYS/);
    }
    expect(identity({ ...jwt, JWT_KEYS: "http://127.0.0.1:1/jwks" }).tokens?.keys.kind).toBe("url");
    expect(() => identity({ IDENTITY: "basic" })).toThrow(/IDENTITY/);
  });
});
