import { createServer } from "node:http";
import { type AddressInfo, connect, Socket, type TcpNetConnectOpts } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createBodyIntake } from "../../src/http/body-intake.js";
import { createImageFetcher } from "../../src/images/fetch-image.js";
import { createTlsStarter } from "../../src/images/pinned-connector.js";
import { parseUrlAllowance } from "../../src/images/url-allowance.js";
import { createUrlGuard, type UrlGuard } from "../../src/images/url-guard.js";
import { FORBIDDEN_IPV4, FORBIDDEN_IPV6, INSIDE_NAMES, PUBLIC_NAMES, SPELLINGS } from "./forbidden-hosts.js";

/** A host as it stands in a URL, and the addresses that it has. */
type Host = readonly [host: string, addresses: readonly string[]];

const LITERALS: readonly Host[] = [
  ...FORBIDDEN_IPV4.map((address): Host => [address, [address]]),
  ...FORBIDDEN_IPV6.map((address): Host => [`[${address}]`, [shortest(address)]]),
  ...SPELLINGS.map(([host, address]): Host => [host, [address]]),
];
const NAMES: readonly Host[] = [...INSIDE_NAMES.map((name): Host => [name, ["127.0.0.1"]]), ...PUBLIC_NAMES];

/** An IPv6 address as URLs and resolvers write it. */
function shortest(address: string): string {
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}

/** Lets everything through. */
const NO_GUARD: UrlGuard = {
  url: (text) => toTarget(new URL(text)),
  redirect: (location, from) => toTarget(new URL(location, from.url)),
  addresses: () => undefined,
};

function toTarget(url: URL) {
  return { url, host: url.hostname.replace(/^\[|\]$/g, ""), trusted: false };
}

const server = createServer((request, response) => {
  const { searchParams } = new URL(request.url ?? "/", "http://x");
  // Headers are ASCII: the rest must be escaped.
  const location = (searchParams.get("to") ?? "").replaceAll(/\P{ASCII}+/gu, encodeURIComponent);
  response.writeHead(302, { location }).end();
});
let port = 0;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => server.close());

/**
 * Fetches with sockets that can only be opened to the test's own server. Whatever else is tried is noted, with the addresses
 * that it would have been tried at, and fails.
 */
async function attempt(url: string, addresses: readonly string[], guard?: UrlGuard) {
  const tried: string[] = [];
  const asked: string[] = [];
  const fetchImage = createImageFetcher(
    {
      guard: guard ?? createUrlGuard(parseUrlAllowance(`127.0.0.1:${port}`)),
      resolve: async (name) => {
        asked.push(name);
        return addresses;
      },
      open: (how) => {
        if (how.port === port) return connect(how);
        tried.push(...addressesOf(how));
        return new Socket().destroy(Object.assign(new Error("the test lets nobody out"), { code: "ECONNREFUSED" }));
      },
      startTls: createTlsStarter(),
    },
    { maxBytes: 1_000 },
  );
  const intake = createBodyIntake(1_000_000);
  const share = intake.open();
  const error: unknown = await fetchImage(url, share).catch((thrown: unknown) => thrown);
  share.release();
  expect(intake.heldBytes()).toBe(0);
  return { tried, asked, code: (error as { code?: unknown }).code };
}

/** Where the connection would have gone. */
function addressesOf({ host = "", lookup }: TcpNetConnectOpts): string[] {
  const found: string[] = [];
  if (host.includes(":") || /^[\d.]+$/.test(host)) return [host];
  lookup?.(host, { all: true }, (_error, addresses) => {
    for (const each of Array.isArray(addresses) ? addresses : []) found.push(each.address);
  });
  return found;
}

const redirectTo = (url: string) => `http://127.0.0.1:${port}/?to=${encodeURIComponent(url)}`;

test("there are more than 200 of them", () => {
  expect(new Set(LITERALS.map(([host]) => host)).size).toBeGreaterThan(200);
});

describe("nobody is connected to", () => {
  const refused = (asked: readonly string[]) => ({ tried: [], asked, code: "url-not-allowed" });

  test.each(LITERALS)(
    "%s in the URL, as the address of a name or one of several, or by a redirect",
    async (host, addresses) => {
      const name = "pictures.example";
      for (const scheme of ["http", "https"]) {
        const [literal, named] = [`${scheme}://${host}/a.png`, `${scheme}://${name}/a.png`];
        expect(await attempt(literal, addresses)).toEqual(refused([]));
        expect(await attempt(named, addresses)).toEqual(refused([name]));
        expect(await attempt(named, ["93.184.215.14", ...addresses])).toEqual(refused([name]));
        expect(await attempt(redirectTo(literal), addresses)).toEqual(refused([]));
        expect(await attempt(redirectTo(named), addresses)).toEqual(refused([name]));
      }
    },
  );

  test.each(NAMES)("%s in the URL or by a redirect", async (name, addresses) => {
    for (const scheme of ["http", "https"]) {
      const url = `${scheme}://${name}/a.png`;
      const asked = INSIDE_NAMES.includes(name) ? [] : [name];
      expect(await attempt(url, addresses)).toEqual(refused(asked));
      expect(await attempt(redirectTo(url), addresses)).toEqual(refused(asked));
    }
  });
});

// The same attempts without the guard do reach the socket: the tests above would see one that does.
describe("without the guard somebody is connected to", () => {
  test.each(LITERALS)("%s", async (host, addresses) => {
    const mixed = ["93.184.215.14", ...addresses];
    const named = "http://pictures.example/a.png";
    for (const url of [`http://${host}/`, named, redirectTo(`http://${host}/`), redirectTo(named)]) {
      expect((await attempt(url, addresses, NO_GUARD)).tried).toEqual(addresses);
    }
    expect((await attempt(named, mixed, NO_GUARD)).tried).toEqual(mixed);
  });

  test.each(NAMES)("%s", async (name, addresses) => {
    expect((await attempt(`http://${name}/a.png`, addresses, NO_GUARD)).tried).toEqual(addresses);
    expect((await attempt(redirectTo(`http://${name}/a.png`), addresses, NO_GUARD)).tried).toEqual(addresses);
  });
});
