import type { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { createAuthority } from "../../../gpu-worker/test/triton/certificates.js";
import { until } from "../api-fixture.js";
import { PNG } from "../pictures.js";
import { MIB, useFetcher } from "./fetch-fixture.js";

const { fetcher, serve, serveRaw, serveTls } = useFetcher();

/** The addresses of the tests' servers are allowed, their ports stand for 80 and 443. */
const NEAR = { allow: "127.0.0.1/32" };
const URL_OF_PICTURE = "http://pictures.example/a.png";
const picture = { bytes: PNG, declaredType: "image/png" };

const sendPicture = (_request: IncomingMessage, response: ServerResponse): void => {
  response.writeHead(200, { "content-type": "image/png", "content-length": PNG.length }).end(PNG);
};

/** Sends a beginning, and then one small piece after the other until nobody listens. */
function drip(socket: Socket, start: string, piece: string): void {
  socket.write(start);
  const timer = setInterval(() => socket.write(piece), 20);
  socket.on("close", () => clearInterval(timer));
}

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

/** What servers may answer; each writes it to the socket as it is. */
const BAD_ANSWERS: readonly (readonly [what: string, answer: (socket: Socket) => void, code: string])[] = [
  ["404", (it) => it.end("HTTP/1.1 404 Not Found\r\ncontent-length: 3\r\n\r\nabc"), "input-fetch-failed"],
  ["204", (it) => it.end("HTTP/1.1 204 No Content\r\n\r\n"), "input-fetch-failed"],
  ["206", (it) => it.end("HTTP/1.1 206 Partial Content\r\ncontent-length: 3\r\n\r\nabc"), "input-fetch-failed"],
  [
    "300",
    (it) => it.end("HTTP/1.1 300 Multiple Choices\r\nlocation: /b\r\ncontent-length: 0\r\n\r\n"),
    "input-fetch-failed",
  ],
  ["500", (it) => it.end("HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n"), "input-fetch-failed"],
  ["101", (it) => it.end("HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"), "input-fetch-failed"],
  ["nothing, with 200", (it) => it.end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"), "input-fetch-failed"],
  ["nothing at all", (it) => it.end(), "input-fetch-failed"],
  ["a reset", (it) => it.resetAndDestroy(), "input-fetch-failed"],
  ["what is no HTTP", (it) => it.end("SSH-2.0-OpenSSH_9.2\r\n"), "input-fetch-failed"],
  [
    "two lengths",
    (it) => it.end("HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabc"),
    "input-fetch-failed",
  ],
  ["a negative length", (it) => it.end("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nabc"), "input-fetch-failed"],
  [
    "a broken chunk",
    (it) => it.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc"),
    "input-fetch-failed",
  ],
  [
    "chunks that are cut off",
    (it) => it.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"),
    "input-fetch-failed",
  ],
  [
    "less than its length says",
    (it) => it.end("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"),
    "input-fetch-failed",
  ],
  [
    "gzip",
    (it) => it.end("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc"),
    "input-fetch-failed",
  ],
  [
    "gzip, gzip",
    (it) => it.end("HTTP/1.1 200 OK\r\ncontent-encoding: gzip, gzip\r\ncontent-length: 3\r\n\r\nabc"),
    "input-fetch-failed",
  ],
  [
    "two encodings",
    (it) =>
      it.end("HTTP/1.1 200 OK\r\ncontent-encoding: identity\r\ncontent-encoding: br\r\ncontent-length: 3\r\n\r\nabc"),
    "input-fetch-failed",
  ],
  [
    "two places",
    (it) => it.end("HTTP/1.1 302 Found\r\nlocation: /b\r\nlocation: /c\r\ncontent-length: 0\r\n\r\n"),
    "input-fetch-failed",
  ],
  [
    "20 KB of headers",
    (it) => it.end(`HTTP/1.1 200 OK\r\nx: ${"x".repeat(20_000)}\r\ncontent-length: 3\r\n\r\nabc`),
    "input-fetch-failed",
  ],
  [
    "a length of 51 MiB",
    (it) => it.write(`HTTP/1.1 200 OK\r\ncontent-length: ${51 * MIB}\r\n\r\nabc`),
    "payload-too-large",
  ],
  [
    "a length beyond all numbers",
    (it) => it.write(`HTTP/1.1 200 OK\r\ncontent-length: ${"9".repeat(15)}\r\n\r\n`),
    "payload-too-large",
  ],
  ["headers without end", (it) => drip(it, "HTTP/1.1 200 OK\r\n", "x: y\r\n"), "input-fetch-timeout"],
  ["103 Early Hints without end", (it) => drip(it, "", "HTTP/1.1 103 Early Hints\r\n\r\n"), "input-fetch-timeout"],
  ["silence", () => undefined, "input-fetch-timeout"],
  ["headers, then silence", (it) => it.write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"), "input-fetch-timeout"],
  ["a byte at a time", (it) => drip(it, "HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n", "x"), "input-fetch-timeout"],
];

describe("a server that answers", () => {
  test.each(BAD_ANSWERS)("%s: nothing is kept of it", async (_what, answer, code) => {
    const port = await serveRaw(answer);
    const startMs = performance.now();
    expect(await fetcher({ ...NEAR, port, timeoutMs: 300 })(URL_OF_PICTURE)).toEqual({ code });
    expect(performance.now() - startMs).toBeLessThan(2_000);
  });

  test("more than its length says gives what its length says", async () => {
    const port = await serveRaw((it) =>
      it.end("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabcdefHTTP/1.1 200 OK\r\n\r\n"),
    );
    const outcome = await fetcher({ ...NEAR, port })(URL_OF_PICTURE);
    expect(outcome).toEqual({ bytes: Buffer.from("abc"), declaredType: undefined });
  });

  test("51 MiB without a length is left as soon as the limit is passed", async () => {
    let sent = 0;
    const port = await serve((_request, response) => {
      response.writeHead(200, { "content-type": "image/png" });
      const piece = Buffer.alloc(MIB);
      const send = (): void => {
        while (!response.destroyed && sent < 200 * MIB && response.write(piece)) sent += piece.length;
      };
      response.on("drain", () => {
        sent += piece.length;
        send();
      });
      send();
    });
    const fetch = fetcher({ ...NEAR, port });
    expect(await fetch(URL_OF_PICTURE)).toEqual({ code: "payload-too-large" });
    expect(sent).toBeGreaterThanOrEqual(50 * MIB);
    expect(sent).toBeLessThan(70 * MIB);
  });

  test("not at all: nobody listens, or the host is silent", async () => {
    expect(await fetcher({ ...NEAR, port: 1 })(URL_OF_PICTURE)).toEqual({ code: "input-fetch-failed" });
    const silent = fetcher({ ...NEAR, open: ({ signal }) => new Socket({ signal }), timeoutMs: 100 });
    expect(await silent(URL_OF_PICTURE)).toEqual({ code: "input-fetch-timeout" });
  });

  test("slowly, in the name, the connection and each redirect, has the time of one fetch for all of it", async () => {
    const pause = () => new Promise((resolve) => setTimeout(resolve, 150));
    const port = await serve(
      (_request, response) => void pause().then(() => response.writeHead(302, { location: "/b" }).end()),
    );
    const resolve = () => pause().then(() => ["127.0.0.1"]);
    const startMs = performance.now();
    expect(await fetcher({ ...NEAR, port, resolve, timeoutMs: 500 })(URL_OF_PICTURE)).toEqual({
      code: "input-fetch-timeout",
    });
    expect(performance.now() - startMs).toBeGreaterThan(490);
  });
});

describe("the budget of bodies", () => {
  test("has what a fetch takes while it goes on, and nothing afterwards", async () => {
    const sockets: Socket[] = [];
    const port = await serveRaw((socket) => sockets.push(socket));
    const fetch = fetcher({ ...NEAR, port });
    const fetched = fetch(URL_OF_PICTURE);
    await until(() => sockets.length === 1);
    expect(fetch.intake.heldBytes()).toBe(256 * 1024);
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

  test("bounds how many fetches there are at once", async () => {
    const port = await serveRaw(() => undefined);
    const fetch = fetcher({ ...NEAR, port, budgetBytes: MIB, timeoutMs: 300 });
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => fetch(URL_OF_PICTURE)));
    const codes = outcomes.map((outcome) => ("code" in outcome ? outcome.code : "none")).sort();
    expect(codes).toEqual([...Array<string>(4).fill("input-fetch-timeout"), ...Array<string>(6).fill("overloaded")]);
  });
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

test("a hundred fetches at once leave no socket and no byte", async () => {
  const port = await serve((request, response) => {
    const kind = Number(request.url?.slice(1)) % 4;
    if (kind === 0) return sendPicture(request, response);
    if (kind === 1) return void response.writeHead(302, { location: "/0" }).end();
    if (kind === 2) return void response.writeHead(500).end();
    response.writeHead(200).write("a");
  });
  const fetch = fetcher({ ...NEAR, port, timeoutMs: 1_000 });
  const outcomes = await Promise.all(Array.from({ length: 100 }, (_, at) => fetch(`http://pictures.example/${at}`)));
  const kinds = outcomes.map((outcome) => ("code" in outcome ? outcome.code : "picture"));
  expect(kinds).toEqual(
    kinds.map((_, at) => ["picture", "picture", "input-fetch-failed", "input-fetch-timeout"][at % 4]),
  );
  expect(fetch.intake.heldBytes()).toBe(0);
});
