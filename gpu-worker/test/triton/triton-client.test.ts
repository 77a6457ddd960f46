import { status } from "@grpc/grpc-js";
import { BrokerError } from "@sluice/broker";
import type { InferRequest } from "@sluice/proto";
import { afterEach, expect, test, vi } from "vitest";
import { createTritonClient, type TritonClientOptions } from "../../src/triton/triton-client.js";
import { fp32, responseWith } from "./fake-model.js";
import { type InferHandler, startFakeServer, startNetwork } from "./fake-server.js";

const limits = { deadlineMs: 5_000 };
const requestOf = (bytes: number): InferRequest => ({
  modelName: "fake",
  inputs: [{ name: "INPUT", datatype: "INT8", shape: [1, bytes] }],
  rawInputContents: [new Uint8Array(bytes)],
});
const echo: InferHandler = ({ request }, answer) => {
  const [data] = request.rawInputContents as Uint8Array[];
  answer(null, responseWith({ name: "OUTPUT", datatype: "INT8", shape: [1], data: data ?? new Uint8Array() }));
};

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function serve(infer: InferHandler, port?: number) {
  const server = await startFakeServer(infer, port);
  ends.push(() => server.kill());
  return server;
}

function connect(options: TritonClientOptions) {
  const client = createTritonClient(options);
  ends.push(() => client.close());
  return client;
}

async function errorOf(call: Promise<unknown>): Promise<BrokerError> {
  const error: unknown = await call.then(
    () => "no error",
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(BrokerError);
  return error as BrokerError;
}

test("what the server was sent comes back, and the server's words go into the error", async () => {
  const { url } = await serve((call, answer) => {
    if (call.request.modelName === "fake") echo(call, answer);
    else answer({ code: status.INVALID_ARGUMENT, details: "no such tensor" });
  });
  const client = connect({ url });
  const request = { ...requestOf(0), rawInputContents: [[fp32(1), fp32(2, 3)]] };
  expect((await client.infer(request, limits)).rawOutputContents).toEqual([fp32(1, 2, 3)]);
  const error = await errorOf(client.infer({ ...request, modelName: "other" }, limits));
  expect({ code: error.code, details: error.details }).toEqual({
    code: "input-rejected",
    details: { status: "INVALID_ARGUMENT" },
  });
  expect(error.message).toMatch(/ModelInfer failed with INVALID_ARGUMENT: no such tensor/);
  expect(error.cause).toMatchObject({ code: status.INVALID_ARGUMENT });
});

test("a batch that does not fit one message is refused without a call", async () => {
  let calls = 0;
  const { url } = await serve((call, answer) => {
    calls++;
    echo(call, answer);
  });
  const client = connect({ url, maxMessageBytes: 100_000 });
  expect((await errorOf(client.infer(requestOf(100_000), limits))).code).toBe("input-rejected");
  expect(calls).toBe(0);
  await client.infer(requestOf(95_000), limits);
  expect(calls).toBe(1);
});

test("a response that is over the limit is the batch's fault: half of it may fit", async () => {
  const data = new Uint8Array(200_000);
  const { url } = await serve((_call, answer) => {
    answer(null, responseWith({ name: "OUTPUT", datatype: "INT8", shape: [1], data }));
  });
  const client = connect({ url, maxMessageBytes: 100_000 });
  const error = await errorOf(client.infer(requestOf(1), limits));
  expect({ code: error.code, details: error.details }).toEqual({
    code: "input-rejected",
    details: { status: "RESOURCE_EXHAUSTED" },
  });
});

test("64 MiB are the default limit, and that much goes through", async () => {
  const { url } = await serve(echo);
  const bytes = 2 ** 26 - 8192;
  const response = await connect({ url }).infer(requestOf(bytes), { deadlineMs: 20_000 });
  expect(response.rawOutputContents[0]?.length).toBe(bytes);
});

test("a call ends at its deadline", async () => {
  const { url } = await serve(() => undefined);
  const client = connect({ url });
  await client.serverLive(limits);
  const started = performance.now();
  const error = await errorOf(client.infer(requestOf(1), { deadlineMs: 100 }));
  expect({ code: error.code, details: error.details }).toEqual({
    code: "endpoint-unavailable",
    details: { status: "DEADLINE_EXCEEDED" },
  });
  expect(performance.now() - started).toBeLessThan(1_000);
});

test("aborting ends a call on both sides, and a call that was aborted before is not made", async () => {
  const abort = new AbortController();
  let calls = 0;
  let cancellations = 0;
  const { url } = await serve((call) => {
    calls++;
    call.on("cancelled", () => cancellations++);
    abort.abort(new Error("enough"));
  });
  const client = connect({ url });
  const first = await errorOf(client.infer(requestOf(1), { ...limits, signal: abort.signal }));
  expect({ code: first.code, details: first.details }).toEqual({
    code: "endpoint-unavailable",
    details: { status: "CANCELLED" },
  });
  const second = await errorOf(client.infer(requestOf(1), { ...limits, signal: abort.signal }));
  expect(second).toMatchObject({ code: "endpoint-unavailable", cause: new Error("enough") });
  await vi.waitFor(() => {
    expect({ calls, cancellations }).toEqual({ calls: 1, cancellations: 1 });
  });
});

test("a server that goes away fails the calls it has, and is back within a moment of its return", async () => {
  const server = await serve(() => network.close());
  const network = await startNetwork(server.port);
  const client = connect({ url: network.url });
  const error = await errorOf(client.infer(requestOf(1), limits));
  expect({ code: error.code, details: error.details }).toEqual({
    code: "endpoint-unavailable",
    details: { status: "UNAVAILABLE" },
  });
  // Long enough for the pauses between attempts to reach their limit.
  for (let waitedMs = 0; waitedMs < 3_000; waitedMs += 100) {
    expect((await errorOf(client.serverLive(limits))).code).toBe("endpoint-unavailable");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await serve(echo, network.port);
  const returned = performance.now();
  while (!(await client.serverLive(limits).catch(() => false))) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(performance.now() - returned).toBeLessThan(1_500);
});

test("a connection that went silent is noticed by its pings, long before the deadline", async () => {
  const server = await serve(echo);
  const network = await startNetwork(server.port);
  ends.push(() => network.close());
  const client = connect({ url: network.url, keepaliveMs: 200 });
  expect(await client.serverLive(limits)).toBe(true);
  network.silence();
  const started = performance.now();
  const error = await errorOf(client.infer(requestOf(1), { deadlineMs: 10_000 }));
  expect({ code: error.code, details: error.details }).toEqual({
    code: "endpoint-unavailable",
    details: { status: "UNAVAILABLE" },
  });
  expect(performance.now() - started).toBeLessThan(2_000);
});

test("connections that were lost without an end are replaced, also one on which the server never said anything", async () => {
  const server = await serve(echo);
  const network = await startNetwork(server.port);
  ends.push(() => network.close());
  network.silence();
  const client = connect({ url: network.url, silenceMs: 300 });
  for (let probe = 0; probe < 3; probe++) await errorOf(client.serverLive({ deadlineMs: 150 }));
  network.speak();
  const started = performance.now();
  while (!(await client.serverLive({ deadlineMs: 150 }).catch(() => false)));
  expect(performance.now() - started).toBeLessThan(1_500);
});

test("a closed client makes no calls, lets those end that it has, and may be closed twice", async () => {
  let answerNow = () => undefined as unknown;
  const { url } = await serve((call, answer) => {
    answerNow = () => {
      echo(call, answer);
    };
    void client.close();
    void client.close();
  });
  const client = connect({ url });
  const pending = client.infer(requestOf(3), limits);
  const refused = await vi.waitFor(async () => {
    const error = await errorOf(client.serverLive(limits));
    expect(error.message).toMatch(/was not called/);
    return error;
  });
  expect(refused.code).toBe("endpoint-unavailable");
  answerNow();
  expect((await pending).rawOutputContents).toEqual([new Uint8Array(3)]);
});
