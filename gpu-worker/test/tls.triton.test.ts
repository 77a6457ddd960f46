import { BrokerError } from "@sluice/broker";
import { type ModelServer, startModelServer } from "@sluice/stack";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { readConfig } from "../src/config.js";
import { connectTriton } from "../src/triton/connect-triton.js";
import type { TlsFiles } from "../src/triton/tls/tls-files.js";
import { type Certificate, createAuthority, writeCertificates } from "./triton/certificates.js";
import { bytesElements } from "./triton/fake-model.js";
import { leftovers, NOTHING_LEFT, publish, statesOf, submit, until, useBroker } from "./worker-fixture.js";

const { fixture, startWorker } = useBroker();
const limits = { deadlineMs: 5_000 };
const DAY = 86_400_000;
const authority = createAuthority("authority of the test");
const stranger = createAuthority("another authority");
const triton = authority.issue("127.0.0.1");
const worker = authority.issue("a worker");
const expired = { fromMs: Date.now() - 2 * DAY, untilMs: Date.now() - DAY };
const serverFiles = writeCertificates({ ca: authority.cert, cert: triton.cert, key: triton.key });
let server: ModelServer;
const ends: (() => unknown)[] = [];

const startServer = () => {
  const { ca, cert, key } = serverFiles.paths;
  const files = [`--grpc-root-cert=${ca}`, `--grpc-server-cert=${cert}`, `--grpc-server-key=${key}`];
  const extraArgs = ["--grpc-use-ssl=true", "--grpc-use-ssl-mutual=true", ...files];
  return startModelServer({ includeTest: true, only: ["sleep"], extraArgs });
};
beforeAll(async () => {
  server = await startServer();
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});
afterAll(async () => {
  await server.stop(0);
  serverFiles.remove();
});

/** Files as a worker has them. */
function filesOf({ ca = authority.cert, own = worker }: { ca?: string; own?: Certificate | undefined } = {}) {
  const files = writeCertificates({ ca, cert: own.cert, key: own.key });
  ends.push(() => files.remove());
  const { paths } = files;
  const tls: TlsFiles = { ca: paths.ca, own: { cert: paths.cert, key: paths.key } };
  return { ...files, tls };
}

/** A client with these files, and what it logs. */
function connect(tls: TlsFiles) {
  const logged: { level: number; msg: string; reason?: string }[] = [];
  const log = pino({}, { write: (line: string) => void logged.push(JSON.parse(line) as (typeof logged)[number]) });
  const client = connectTriton({ url: server.grpcUrl, sharedMemory: "off", tls }, log);
  ends.push(() => client.close());
  return { client, logged };
}

/** What a refused client says to who calls, and what it logs however often it is called. */
async function refusalOf(tls: TlsFiles) {
  const { client, logged } = connect(tls);
  const messages: string[] = [];
  for (let call = 0; call < 3; call++) {
    const error: unknown = await client.modelReady("sleep", "1", limits).catch((error: unknown) => error);
    expect(error).toMatchObject({ code: "endpoint-unavailable", details: { status: "UNAVAILABLE" } });
    messages.push((error as BrokerError).message.replace(/^.* failed with UNAVAILABLE: /, ""));
  }
  expect(new Set(messages).size).toBe(1);
  expect(logged.map(({ level, msg, reason }) => [level, msg, reason])).toEqual([
    [40, "no TLS with Triton", messages[0]],
  ]);
  return messages[0];
}

const texts = Array.from({ length: 64 }, (_, row) => `text ${row}`);
const batch = {
  modelName: "sleep",
  inputs: [{ name: "TEXT", datatype: "BYTES", shape: [64, 1] }],
  outputs: [{ name: "DIGEST" }],
  rawInputContents: [texts.map((text) => bytesElements(text))],
};

describe("a Triton with mutual TLS", () => {
  test("serves a worker whose certificates are right", async () => {
    const models = server.models.map(({ definition }) => definition);
    const { worker } = await startWorker({ tritonUrl: server.grpcUrl, tls: filesOf().tls }, { models });
    await until(worker.isReady);
    const tasks = await Promise.all(["a", "b"].map((input) => submit(fixture.redis, { model: "sleep", input })));
    await publish(fixture.redis, tasks, { model: "sleep" });
    await until(async () => (await leftovers(fixture.redis)).notices === 0);
    expect((await statesOf(fixture.redis, tasks)).map((state) => state.kind === "done" && state.state)).toEqual([
      "SUCCESS",
      "SUCCESS",
    ]);
    expect(await leftovers(fixture.redis)).toEqual(NOTHING_LEFT);
  });

  test("whose authority is another one is refused, and the worker is not ready", async () => {
    const { tls } = filesOf({ ca: stranger.cert });
    expect(await refusalOf(tls)).toBe("Triton's certificate is not signed by an authority in TRITON_TLS_CA");
    const models = server.models.map(({ definition }) => definition);
    const { worker } = await startWorker({ tritonUrl: server.grpcUrl, tls }, { models });
    expect(worker.isReady()).toBe(false);
  });

  test("whose certificate has another name is refused, unless it is the name that was set", async () => {
    const { tls } = filesOf();
    expect(await refusalOf({ ...tls, serverName: "elsewhere.example" })).toMatch(
      /^Triton's certificate is not for elsewhere.example/,
    );
    const { client } = connect({ ...tls, serverName: "127.0.0.1" });
    expect(await client.modelReady("sleep", "1", limits)).toBe(true);
  });

  test("refuses a client without a certificate, with an expired one, or with one of another authority", async () => {
    const { ca } = filesOf().tls;
    expect(await refusalOf({ ca })).toMatch(/^Triton asks for a client certificate/);
    expect(await refusalOf(filesOf({ own: authority.issue("late", expired) }).tls)).toMatch(
      /^the client certificate in TRITON_TLS_CERT has expired \(/,
    );
    expect(await refusalOf(filesOf({ own: stranger.issue("stranger") }).tls)).toMatch(/does not trust its authority$/);
  });

  test("is reached with new files when they change, while calls in flight go on; a half-done change is not used", async () => {
    const files = filesOf();
    const { client, logged } = connect(files.tls);
    const next = authority.issue("the same worker, later");
    const seen = (msg: string) => () => logged.some((line) => line.msg.startsWith(msg));
    files.write("cert", next.cert);
    await until(seen("TLS files cannot be used"));
    expect(await client.modelReady("sleep", "1", limits)).toBe(true);
    files.write("key", next.key);
    const calls: Promise<unknown>[] = [];
    while (!seen("TLS files have changed")()) {
      calls.push(client.infer(batch, { deadlineMs: 30_000 }));
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
    expect(calls.length).toBeGreaterThan(1);
    await Promise.all(calls);
    expect(await client.modelReady("sleep", "1", limits)).toBe(true);
    expect(logged.map(({ msg }) => msg)).toEqual([
      "TLS files cannot be used: those before them stay",
      "TLS files have changed: new connections use them",
    ]);
  });

  test("that refused a client is reached as soon as its files are right", async () => {
    const files = filesOf({ ca: stranger.cert });
    const { client } = connect(files.tls);
    await expect(client.modelReady("sleep", "1", limits)).rejects.toThrow("TRITON_TLS_CA");
    files.write("ca", authority.cert);
    await until(() => client.modelReady("sleep", "1", limits).catch(() => false), 8_000);
  });

  test("whose certificate has expired is refused", async () => {
    await server.stop(0);
    const late = authority.issue("127.0.0.1", expired);
    serverFiles.write("cert", late.cert);
    serverFiles.write("key", late.key);
    server = await startServer();
    expect(await refusalOf(filesOf().tls)).toBe("Triton's certificate has expired");
  });
});

test("a Triton that speaks no TLS is said to", async () => {
  const plain = await startModelServer({ includeTest: true, only: ["sleep"] });
  ends.push(() => plain.stop(0));
  const logged: string[] = [];
  const log = pino({}, { write: (line: string) => void logged.push(line) });
  const client = connectTriton({ url: plain.grpcUrl, sharedMemory: "off", tls: filesOf().tls }, log);
  ends.push(() => client.close());
  await expect(client.serverLive(limits)).rejects.toThrow("Triton does not speak TLS on this port");
});

describe("settings", () => {
  test("name the files, and say what is missing", () => {
    const of = (tls: Record<string, string>) => readConfig(tls).tls;
    expect(of({})).toBeUndefined();
    expect(of({ TRITON_TLS_CA: "ca" })).toEqual({ ca: "ca" });
    const all = { TRITON_TLS_CA: "ca", TRITON_TLS_CERT: "cert", TRITON_TLS_KEY: "key", TRITON_TLS_NAME: "name" };
    expect(of(all)).toEqual({ ca: "ca", own: { cert: "cert", key: "key" }, serverName: "name" });
    expect(() => of({ TRITON_TLS_CA: "ca", TRITON_TLS_KEY: "key" })).toThrow("both or none");
    expect(() => of({ TRITON_TLS_NAME: "name" })).toThrow("TRITON_TLS_CA: is needed");
  });

  test.each([
    ["is not there", { ca: "/nowhere/ca.pem" }, "/nowhere/ca.pem cannot be read"],
    ["holds no certificate", { ca: serverFiles.paths.key }, "holds no certificate"],
    [
      "is the key of another certificate",
      { ca: serverFiles.paths.ca, own: { cert: serverFiles.paths.ca, key: serverFiles.paths.key } },
      "key values mismatch",
    ],
  ])("a file that %s ends the start", (_what, tls, message) => {
    const connecting = () => connectTriton({ url: "127.0.0.1:1", sharedMemory: "off", tls }, pino({ level: "silent" }));
    expect(connecting).toThrow(BrokerError);
    expect(connecting).toThrow(message);
  });
});
