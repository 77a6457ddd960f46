import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall } from "@grpc/grpc-js";
import { type InferRequest, type InferResponse, serviceMethods } from "@sluice/proto";

/** Answers a ModelInfer. */
export type InferHandler = (
  call: ServerUnaryCall<InferRequest, InferResponse>,
  answer: sendUnaryData<InferResponse>,
) => void;

/** A gRPC server that lives and is ready, and leaves inference to the test. */
export async function startFakeServer(
  infer: InferHandler,
  port = 0,
): Promise<{ url: string; port: number; kill(): void }> {
  const server = new Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
  const { modelInfer, serverLive } = serviceMethods;
  server.addService(
    { modelInfer, serverLive },
    {
      modelInfer: infer,
      serverLive: (_call: unknown, answer: sendUnaryData<{ live: boolean }>) => answer(null, { live: true }),
    },
  );
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, at) => {
      if (error) reject(error);
      else resolve(at);
    });
  });
  return { url: `127.0.0.1:${bound}`, port: bound, kill: () => server.forceShutdown() };
}

/** A network in front of a port. */
export interface FakeNetwork {
  readonly url: string;
  readonly port: number;
  /** From now on it takes bytes, and connections too, and passes nothing on. */
  silence(): void;
  /** Passes on what comes on new connections; those that were silent stay so, without an end. */
  speak(): void;
  /** Cuts every connection. */
  close(): void;
}

/** A network in front of `port`. */
export async function startNetwork(port: number): Promise<FakeNetwork> {
  let silent = false;
  const lost = new Set<Socket>();
  const sockets = new Set<Socket>();
  const proxy = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    if (silent) for (const socket of [near, far]) lost.add(socket);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on("data", (bytes) => {
        if (!lost.has(from)) to.write(bytes);
      });
      from.on("error", () => to.destroy());
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const listening = (proxy.address() as AddressInfo).port;
  return {
    url: `127.0.0.1:${listening}`,
    port: listening,
    silence() {
      silent = true;
      for (const socket of sockets) lost.add(socket);
    },
    speak: () => void (silent = false),
    close: () => {
      proxy.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
