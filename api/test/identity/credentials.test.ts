import { expect, test } from "vitest";
import { findCredentials } from "../../src/identity/credentials.js";

const key = `sk_0123abcd_${"a".repeat(43)}`;
const said = (headers: Record<string, string>, url = "/v1/inference") => {
  try {
    const { kind, text } = findCredentials(headers, url);
    return `${kind} ${text}`;
  } catch (error) {
    return (error as { code: string }).code;
  }
};

test.each([
  ["a key as a bearer", { authorization: `Bearer ${key}` }, `key ${key}`],
  ["in small letters", { authorization: `bearer ${key}` }, `key ${key}`],
  ["a key in its own header", { "x-api-key": key }, `key ${key}`],
  ["a token", { authorization: "Bearer a.b.c" }, "token a.b.c"],
  ["nothing", {}, "unauthenticated"],
  ["both", { authorization: `Bearer ${key}`, "x-api-key": key }, "ambiguous-credentials"],
  ["two tokens", { authorization: "Bearer a.b.c, Bearer d.e.f" }, "invalid-token"],
  ["two words", { authorization: "Bearer a b" }, "invalid-token"],
  ["another scheme", { authorization: "Basic YTpi" }, "invalid-token"],
  ["no token", { authorization: "Bearer " }, "invalid-token"],
  ["a long token", { authorization: `Bearer ${"a".repeat(8_193)}` }, "invalid-token"],
  [
    "a key that is too short goes as a token",
    { authorization: `Bearer ${key.slice(0, -1)}` },
    `token ${key.slice(0, -1)}`,
  ],
])("%s", (_what, headers, expected) => {
  expect(said(headers as Record<string, string>)).toBe(expected);
});

test.each(["key", "api_key", "API_KEY", "access_token", "token", "authorization"])(
  "%s in the URL is refused",
  (name) => {
    expect(said({ "x-api-key": key }, `/models?a=1&${name}=${key}`)).toBe("credentials-in-url");
  },
);

test("other parameters are nobody's business here", () => {
  expect(said({ "x-api-key": key }, "/v1/result/x?wait=1&keys=2&monkey=3")).toBe(`key ${key}`);
});
