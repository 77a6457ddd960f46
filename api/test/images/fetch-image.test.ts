import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { until } from "../api-fixture.js";
import { PNG } from "../pictures.js";
import { drip, MIB, NEAR, picture, sendPicture, URL_OF_PICTURE, useFetcher } from "./fetch-fixture.js";

const { fetcher, serve, serveRaw } = useFetcher();

describe("a picture", () => {
  test("is asked for by its name, uncompressed, and nothing tells who asks", async () => {
    const seen: IncomingMessage[] = [];
    const port = await serve((request, response) => {
      seen.push(request);
      sendPicture(request, response);
    });
    const fetch = fetcher({ ...NEAR, port });
    expect(await fetch("http://pictures.example/a%20b.png?size=2&c=%2f")).toEqual(picture);
    expect(seen.map(({ method, url, headers }) => ({ method, url, headers }))).toEqual([
      {
        method: "GET",
        url: "/a%20b.png?size=2&c=%2f",
        headers: {
          host: "pictures.example",
          connection: "close",
          accept: "image/*",
          "accept-encoding": "identity",
          "user-agent": "sluice",
        },
      },
    ]);
  });

  test.each([
    ["image/jpeg", "image/jpeg"],
    ["IMAGE/PNG; charset=binary", "image/png"],
    ["application/octet-stream", undefined],
    ["text/html; charset=utf-8", undefined],
    [undefined, undefined],
  ])("that is sent as %s is declared as %s", async (sent, declaredType) => {
    const port = await serve((_request, response) => {
      response.writeHead(200, sent === undefined ? {} : { "content-type": sent }).end(PNG);
    });
    expect(await fetcher({ ...NEAR, port })(URL_OF_PICTURE)).toEqual({ bytes: PNG, declaredType });
  });

  test("of exactly the limit comes whole, with and without a length", async () => {
    const bytes = Buffer.alloc(50 * MIB, 7);
    const port = await serve((request, response) => {
      response.writeHead(200, request.url === "/length" ? { "content-length": bytes.length } : {}).end(bytes);
    });
    const fetch = fetcher({ ...NEAR, port });
    for (const path of ["/length", "/chunks"]) {
      const outcome = await fetch(`http://pictures.example${path}`);
      expect("bytes" in outcome && outcome.bytes.equals(bytes)).toBe(true);
    }
  });

  test("comes from the first address that answers", async () => {
    const port = await serve(sendPicture);
    // Nobody listens on port of this one.
    const resolve = async () => ["127.0.0.2", "127.0.0.1"];
    expect(await fetcher({ allow: "127.0.0.0/8", port, resolve })(URL_OF_PICTURE)).toEqual(picture);
  });

  test("comes from a host that is allowed by name and port, whatever its address is", async () => {
    const port = await serve(sendPicture);
    const fetch = fetcher({ allow: `minio:${port}, 127.0.0.1:${port}` });
    expect(await fetch(`http://minio:${port}/a.png`)).toEqual(picture);
    expect(await fetch(`http://127.0.0.1:${port}/a.png`)).toEqual(picture);
    expect(await fetch(`http://127.0.0.1:${port + 1}/a.png`)).toEqual({ code: "url-not-allowed" });
  });

  test("comes whatever proxy the environment names", async () => {
    const names = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
    const before = names.map((name) => process.env[name]);
    for (const name of names) process.env[name] = "http://127.0.0.1:1";
    try {
      const port = await serve(sendPicture);
      expect(await fetcher({ ...NEAR, port })(URL_OF_PICTURE)).toEqual(picture);
    } finally {
      names.forEach((name, at) => {
        const value = before[at];
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      });
    }
  });
});

describe("a name", () => {
  /** Answers a public-looking address first, and the machine's own inside from then on. */
  const rebinding = () => {
    const asked: string[] = [];
    const resolve = async (name: string) => {
      asked.push(name);
      return asked.length === 1 ? ["127.0.0.1"] : ["127.0.0.2"];
    };
    return { asked, resolve };
  };

  test("that changes its address after the check is not looked up again", async () => {
    const seen: (string | undefined)[] = [];
    const port = await serve((request, response) => {
      seen.push(request.socket.localAddress);
      sendPicture(request, response);
    });
    const { asked, resolve } = rebinding();
    expect(await fetcher({ ...NEAR, port, resolve })(URL_OF_PICTURE)).toEqual(picture);
    expect(asked).toEqual(["pictures.example"]);
    expect(seen).toEqual(["127.0.0.1"]);
  });

  test("that changes its address before a redirect to itself is checked again", async () => {
    let requests = 0;
    const port = await serve((_request, response) => {
      requests++;
      response.writeHead(302, { location: "/other" }).end();
    });
    const { asked, resolve } = rebinding();
    expect(await fetcher({ ...NEAR, port, resolve })(URL_OF_PICTURE)).toEqual({ code: "url-not-allowed" });
    expect(asked).toHaveLength(2);
    expect(requests).toBe(1);
  });

  test.each([
    ["nobody knows", Object.assign(new Error("queryA ENOTFOUND"), { code: "ENOTFOUND" }), "input-fetch-failed"],
    [
      "servers fail to answer",
      Object.assign(new Error("queryA ESERVFAIL"), { code: "ESERVFAIL" }),
      "input-fetch-failed",
    ],
    [
      "servers answer too late",
      Object.assign(new Error("queryA ETIMEOUT"), { code: "ETIMEOUT" }),
      "input-fetch-timeout",
    ],
  ])("that %s is said so", async (_what, error, code) => {
    expect(await fetcher({ resolve: () => Promise.reject(error) })(URL_OF_PICTURE)).toEqual({ code });
  });

  test("that has no address is said so, and one whose servers are silent takes the time of a fetch", async () => {
    expect(await fetcher({ resolve: async () => [] })(URL_OF_PICTURE)).toEqual({ code: "input-fetch-failed" });
    const silent = fetcher({ resolve: () => new Promise(() => undefined), timeoutMs: 50 });
    expect(await silent(URL_OF_PICTURE)).toEqual({ code: "input-fetch-timeout" });
  });
});

describe("redirects", () => {
  /** Redirects so many times, then sends the picture. */
  const hops = async (status: number, count: number) => {
    const paths: string[] = [];
    const port = await serve((request, response) => {
      paths.push(request.url ?? "");
      if (paths.length > count) return sendPicture(request, response);
      response.writeHead(status, { location: `/${paths.length}` }).end("elsewhere");
    });
    return { paths, fetch: fetcher({ ...NEAR, port }) };
  };

  test.each([301, 302, 303, 307, 308])("with status %d are followed three times", async (status) => {
    const { paths, fetch } = await hops(status, 3);
    expect(await fetch("http://pictures.example/0")).toEqual(picture);
    expect(paths).toEqual(["/0", "/1", "/2", "/3"]);
  });

  test("are not followed a fourth time, nor in a loop", async () => {
    const { paths, fetch } = await hops(302, 4);
    expect(await fetch("http://pictures.example/0")).toEqual({ code: "too-many-redirects" });
    expect(paths).toHaveLength(4);
    let loops = 0;
    const port = await serve((_request, response) => {
      loops++;
      response.writeHead(301, { location: URL_OF_PICTURE }).end();
    });
    expect(await fetcher({ ...NEAR, port })(URL_OF_PICTURE)).toEqual({ code: "too-many-redirects" });
    expect(loops).toBe(4);
  });

  test.each([
    ["file:///etc/passwd", "url-not-allowed"],
    ["//localhost/", "url-not-allowed"],
    ["http://10.0.0.1/", "url-not-allowed"],
    ["http://user@pictures.example/", "url-not-allowed"],
    ["http://pictures.example:6379/", "url-not-allowed"],
    ["http://[::1", "url-not-allowed"],
    [undefined, "input-fetch-failed"],
  ])("to %s are %s", async (location, code) => {
    const port = await serve((_request, response) => {
      response.writeHead(302, location === undefined ? {} : { location }).end();
    });
    expect(await fetcher({ ...NEAR, port })(URL_OF_PICTURE)).toEqual({ code });
  });

  test("that send a body without end are left at once", async () => {
    const port = await serve((request, response) => {
      if (request.url === "/b") return sendPicture(request, response);
      response.writeHead(302, { location: "/b" });
      response.write("x");
      drip(response.socket as Socket, "", "1\r\nx\r\n");
    });
    expect(await fetcher({ ...NEAR, port })(URL_OF_PICTURE)).toEqual(picture);
  });
});

describe("the budget of bodies", () => {
  test("has the bytes of a picture while it comes, and nothing afterwards", async () => {
    const sockets: Socket[] = [];
    const port = await serveRaw((socket) => sockets.push(socket));
    const fetch = fetcher({ ...NEAR, port });
    const fetched = fetch(URL_OF_PICTURE);
    await until(() => sockets.length === 1);
    expect(fetch.intake.heldBytes()).toBe(0);
    sockets[0]?.write(`HTTP/1.1 200 OK\r\ncontent-length: ${MIB}\r\n\r\n`);
    await until(() => fetch.intake.heldBytes() === MIB);
    sockets[0]?.write(Buffer.alloc(MIB));
    expect("bytes" in (await fetched)).toBe(true);
    expect(fetch.intake.heldBytes()).toBe(0);
  });

  test("refuses what has no room: before it is read where its length tells, else when the room is used up", async () => {
    const port = await serve((request, response) => {
      response.writeHead(200, request.url === "/length" ? { "content-length": 20 * MIB } : {}).write(Buffer.alloc(MIB));
      if (request.url !== "/length") response.end(Buffer.alloc(19 * MIB));
    });
    const fetch = fetcher({ ...NEAR, port, budgetBytes: 16 * MIB });
    for (const path of ["/length", "/chunks"]) {
      expect(await fetch(`http://pictures.example${path}`)).toEqual({ code: "overloaded" });
    }
  });
});

test("64 pictures are fetched at once; who comes above that is told to come back, and there is room again afterwards", async () => {
  let answering = false;
  const waiting: (() => void)[] = [];
  const port = await serve((request, response) => {
    if (answering) sendPicture(request, response);
    else waiting.push(() => sendPicture(request, response));
  });
  const fetch = fetcher({ ...NEAR, port });
  const fetched = Array.from({ length: 64 }, () => fetch(URL_OF_PICTURE));
  expect(await fetch(URL_OF_PICTURE)).toEqual({ code: "overloaded" });
  await until(() => waiting.length === 64);
  answering = true;
  for (const answer of waiting) answer();
  expect(await Promise.all(fetched)).toEqual(fetched.map(() => picture));
  expect(await fetch(URL_OF_PICTURE)).toEqual(picture);
});

describe("a fetch is given up", () => {
  test("when this process stops, or the caller goes away, at once", async () => {
    const port = await serveRaw((socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"));
    const fetch = fetcher({ ...NEAR, port });
    const stopped = fetch(URL_OF_PICTURE);
    await new Promise((resolve) => setTimeout(resolve, 50));
    fetch.intake.stop();
    expect(await stopped).toEqual({ code: "shutting-down" });
    const caller = new AbortController();
    const left = fetch(URL_OF_PICTURE, caller.signal);
    await new Promise((resolve) => setTimeout(resolve, 50));
    caller.abort();
    expect(await left).toEqual({ code: "invalid-request" });
    expect(await fetch(URL_OF_PICTURE, AbortSignal.abort())).toEqual({ code: "invalid-request" });
  });

  test("while it connects: the connection goes too", async () => {
    const port = await serve(sendPicture);
    const caller = new AbortController();
    const fetch = fetcher({ ...NEAR, port });
    const left = fetch(URL_OF_PICTURE, caller.signal);
    queueMicrotask(() => queueMicrotask(() => caller.abort()));
    expect(await left).toEqual({ code: "invalid-request" });
  });
});

test("sixty fetches at once leave no socket and no byte", async () => {
  const port = await serve((request, response) => {
    const kind = Number(request.url?.slice(1)) % 4;
    if (kind === 0) return sendPicture(request, response);
    if (kind === 1) return void response.writeHead(302, { location: "/0" }).end();
    if (kind === 2) return void response.writeHead(500).end();
    response.writeHead(200).write("a");
  });
  const fetch = fetcher({ ...NEAR, port, timeoutMs: 1_000 });
  const outcomes = await Promise.all(Array.from({ length: 60 }, (_, at) => fetch(`http://pictures.example/${at}`)));
  const kinds = outcomes.map((outcome) => ("code" in outcome ? outcome.code : "picture"));
  expect(kinds).toEqual(
    kinds.map((_, at) => ["picture", "picture", "input-fetch-failed", "input-fetch-timeout"][at % 4]),
  );
  expect(fetch.intake.heldBytes()).toBe(0);
});
