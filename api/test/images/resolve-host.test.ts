import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createHostResolver } from "../../src/images/resolve-host.js";
import { PNG } from "../pictures.js";
import { startDnsServer } from "./dns-server.js";
import { useFetcher } from "./fetch-fixture.js";

const { fetcher, serve } = useFetcher();
const never = new AbortController().signal;
let rebound = 0;
const NAMES: Readonly<Record<string, readonly string[]>> = {
  "both.example": ["93.184.215.14", "2606:4700::1111"],
  "four.example": ["93.184.215.14", "93.184.215.15"],
  "six.example": ["2606:4700::1111"],
  "chain.example": ["CNAME=far.example", "10.0.0.1", "fd00::1"],
  "empty.example": [],
  "silent.example": ["SILENCE"],
};
let dns: Awaited<ReturnType<typeof startDnsServer>>;

beforeAll(async () => {
  // Half of the answers that a fetch gets at first are good: it asks for A and AAAA.
  dns = await startDnsServer((name) =>
    name === "rebinding.example" ? [rebound++ < 2 ? "127.0.0.1" : "127.0.0.2"] : (NAMES[name] ?? ["NXDOMAIN"]),
  );
});
afterAll(() => dns.stop());

const resolve = (name: string, signal = never) => createHostResolver([dns.address])(name, false, signal);

describe("the addresses of a name", () => {
  test.each([
    ["both.example", ["93.184.215.14", "2606:4700::1111"]],
    ["four.example", ["93.184.215.14", "93.184.215.15"]],
    ["six.example", ["2606:4700::1111"]],
    ["chain.example", ["10.0.0.1", "fd00::1"]],
  ])("%s are asked for in both families", async (name, addresses) => {
    expect(await resolve(name)).toEqual(addresses);
  });

  test.each([
    ["empty.example", "ENODATA"],
    ["unknown.example", "ENOTFOUND"],
    ["localhost", "ENOTFOUND"],
  ])("%s are missing, and nothing but DNS is asked", async (name, code) => {
    await expect(resolve(name)).rejects.toMatchObject({ code });
  });

  test("of silent servers are not waited for once the signal comes", async () => {
    const startMs = performance.now();
    await expect(resolve("silent.example", AbortSignal.timeout(50))).rejects.toMatchObject({ code: "ECANCELLED" });
    expect(performance.now() - startMs).toBeLessThan(1_000);
  });

  test("of a name that the operator trusts are what this machine knows", async () => {
    const before = dns.asked.length;
    expect(await createHostResolver([dns.address])("localhost", true, never)).toContain("127.0.0.1");
    expect(dns.asked).toHaveLength(before);
  });
});

describe("a fetch over this DNS", () => {
  test("of a name that leads inside, over a chain or not, is refused", async () => {
    const fetch = fetcher({ resolve: createHostResolver([dns.address]) });
    expect(await fetch("http://chain.example/a.png")).toEqual({ code: "url-not-allowed" });
    expect(await fetch("http://unknown.example/a.png")).toEqual({ code: "input-fetch-failed" });
  });

  test("goes to the address that was checked, whatever the name has the next time", async () => {
    const seen: (string | undefined)[] = [];
    const port = await serve((request, response) => {
      seen.push(request.socket.localAddress);
      response.end(PNG);
    });
    const fetch = fetcher({ allow: "127.0.0.1/32", port, resolve: createHostResolver([dns.address]) });
    expect(await fetch("http://rebinding.example/a.png")).toMatchObject({ bytes: PNG });
    expect(seen).toEqual(["127.0.0.1"]);
    expect(rebound).toBe(2);
    expect(await fetch("http://rebinding.example/a.png")).toEqual({ code: "url-not-allowed" });
    expect(seen).toHaveLength(1);
  });

  test("of names whose servers are silent leaves the threads for files alone", async () => {
    const fetch = fetcher({ resolve: createHostResolver([dns.address]), timeoutMs: 500 });
    const silent = Array.from({ length: 20 }, () => fetch("http://silent.example/a.png"));
    const startMs = performance.now();
    await readFile(import.meta.filename);
    expect(performance.now() - startMs).toBeLessThan(400);
    expect(new Set((await Promise.all(silent)).map((outcome) => "code" in outcome && outcome.code))).toEqual(
      new Set(["input-fetch-timeout"]),
    );
  });
});
