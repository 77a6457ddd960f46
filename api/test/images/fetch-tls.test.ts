import { describe, expect, test } from "vitest";
import { createAuthority } from "../../../gpu-worker/test/triton/certificates.js";
import { NEAR, picture, sendPicture, URL_OF_PICTURE, useFetcher } from "./fetch-fixture.js";

const { fetcher, serveTls } = useFetcher();

describe("TLS", () => {
  const authority = createAuthority("authority");
  const own = authority.issue("pictures.example");
  const authorities = authority.cert;
  const day = 86_400_000;

  test("speaks of the name in the URL, not of the address that it was given", async () => {
    const names: unknown[] = [];
    const port = await serveTls(own, (request, response) => {
      names.push((request.socket as unknown as { servername: unknown }).servername, request.headers.host);
      sendPicture(request, response);
    });
    const fetch = fetcher({ ...NEAR, port, authorities });
    expect(await fetch("https://pictures.example/a.png")).toEqual(picture);
    expect(names).toEqual(["pictures.example", "pictures.example"]);
  });

  test("to an address asks for a certificate of that address", async () => {
    const port = await serveTls(authority.issue("127.0.0.1"), sendPicture);
    expect(await fetcher({ ...NEAR, port, authorities })("https://127.0.0.1/a.png")).toEqual(picture);
    const other = await serveTls(own, sendPicture);
    const fetch = fetcher({ ...NEAR, port: other, authorities });
    expect(await fetch("https://127.0.0.1/a.png")).toEqual({ code: "input-fetch-failed" });
  });

  test.each([
    ["is signed by itself", createAuthority("pictures.example"), authorities],
    ["is signed by an authority that nobody trusts", createAuthority("other").issue("pictures.example"), authorities],
    ["is not signed by one that Node trusts", own, undefined],
    ["is for another name", authority.issue("other.example"), authorities],
    [
      "has expired",
      authority.issue("pictures.example", { fromMs: Date.now() - day, untilMs: Date.now() - 1_000 }),
      authorities,
    ],
    [
      "is not valid yet",
      authority.issue("pictures.example", { fromMs: Date.now() + day, untilMs: Date.now() + 2 * day }),
      authorities,
    ],
  ])("with a certificate that %s is refused before anything is asked", async (_what, keys, trusted) => {
    let requests = 0;
    const port = await serveTls({ cert: keys.cert, key: keys.key }, () => requests++);
    const before = process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
    try {
      const fetch = fetcher({ ...NEAR, port, ...(trusted === undefined ? {} : { authorities: trusted }) });
      expect(await fetch("https://pictures.example/a.png")).toEqual({ code: "input-fetch-failed" });
      expect(requests).toBe(0);
    } finally {
      if (before === undefined) delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
      else process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = before;
    }
  });

  test("is not left for plain HTTP by a redirect", async () => {
    let requests = 0;
    const port = await serveTls(own, (_request, response) => {
      requests++;
      response.writeHead(302, { location: URL_OF_PICTURE }).end();
    });
    const fetch = fetcher({ ...NEAR, port, authorities });
    expect(await fetch("https://pictures.example/a.png")).toEqual({ code: "url-not-allowed" });
    expect(requests).toBe(1);
  });
});
