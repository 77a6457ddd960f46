import { Redis } from "ioredis";
import * as broker from "../../src/index.js";
import { silentLog } from "../redis-fixture.js";
import { POOL } from "./rules/pool.js";
import { type Look, passTime, readState } from "./state-of-redis.js";

/** The API under test; a control may put something broken in its place. */
export type Api = typeof broker;

/** A real Redis, or Cluster, with everything that a run of the model needs around it. */
export interface Rig {
  readonly api: Api;
  readonly target: broker.RedisTarget;
  /** Different connections, for what is sent at the same time. */
  readonly clients: readonly broker.RedisClient[];
  readonly blobs: broker.BlobStore & { readonly held: Map<string, string> };
  /** Readers that are open, by what they read for; closed by `reset`. */
  readonly readers: Map<string, broker.ReadyReader | broker.NoticeReader>;
  /** Reads every key of every server, and what was published since the last look, by channel. */
  look(): Promise<Look & { readonly messages: Record<string, string[]> }>;
  /** Moves all times into the past. */
  pass(ms: number): Promise<void>;
  /** Nothing anywhere. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}

/** What is different about a rig that a control uses. */
export interface Breakage {
  readonly api?: Partial<Api>;
  readonly client?: (client: broker.RedisClient) => broker.RedisClient;
}

/** @param shards whose wake-ups are heard. @param ports of all masters. */
export async function createRig(
  url: string,
  { ports, shards }: { readonly ports: readonly number[]; readonly shards: readonly number[] },
  breakage: Breakage = {},
): Promise<Rig> {
  const target = broker.parseRedisUrl(url);
  const connected = await Promise.all([1, 2, 3].map(() => broker.connectRedis(target, silentLog)));
  const nodes = ports.map((port) => new Redis({ host: "127.0.0.1", port, protocol: 2 }));
  const channels = [...shards.map((shard) => broker.keys.done(shard)), broker.keys.credits(POOL)];
  const ears = await listen(ports, channels);
  const readers: Rig["readers"] = new Map();
  const blobs = createMemoryBlobs();
  // A block of 1 ms then ends after 2 ms at most, not after 100.
  await Promise.all(nodes.map((node) => node.config("SET", "hz", "500")));
  const look = async () => {
    const [messages, ...looks] = await Promise.all([ears.hear(), ...nodes.map(readState)]);
    const state = Object.assign({}, ...looks.map((one) => one.state)) as Look["state"];
    return { nowMs: Math.max(...looks.map(({ nowMs }) => nowMs)), state, messages };
  };
  const closeReaders = () => {
    for (const reader of readers.values()) reader.close();
    readers.clear();
  };
  return {
    ...{ target, blobs, readers, look },
    api: { ...broker, ...breakage.api },
    clients: connected.map((client) => breakage.client?.(client) ?? client),
    async pass(ms) {
      await Promise.all(nodes.map((node) => passTime(node, ms)));
    },
    async reset() {
      closeReaders();
      blobs.held.clear();
      await Promise.all(nodes.map((node) => node.flushall()));
      await ears.hear();
    },
    async stop() {
      closeReaders();
      ears.stop();
      for (const client of [...connected, ...nodes]) client.disconnect();
    },
  };
}

/** A wake-up that carries results tells when they were admitted, ended and due; another test looks at these. */
const withoutTimes = (message: string): string =>
  message.replace(/^[^\n]*/, (head) => head.replace(/(,\d+){3},/g, ","));

/** Hears shard channels on the masters that carry them. */
async function listen(ports: readonly number[], channels: readonly string[]) {
  const ears = ports.map((port) => new Redis({ host: "127.0.0.1", port, protocol: 2 }));
  let heard: Record<string, string[]> = {};
  for (const ear of ears) {
    ear.on("smessageBuffer", (channel: Buffer, message: Buffer) =>
      (heard[channel.toString()] ??= []).push(withoutTimes(message.toString("latin1"))),
    );
  }
  for (const channel of channels) {
    // Every master but one says that the channel is not its own.
    const tried = await Promise.allSettled(ears.map((ear) => ear.ssubscribe(channel)));
    if (tried.every(({ status }) => status === "rejected")) throw new Error(`nobody carries ${channel}`);
  }
  return {
    /** Everything since the last call. A PING is answered after what was published before it. */
    async hear() {
      await Promise.all(ears.map((ear) => ear.ping()));
      const messages = heard;
      heard = {};
      return messages;
    },
    stop: () => {
      for (const ear of ears) ear.disconnect();
    },
  };
}

/** A blob store whose whole content can be compared. */
function createMemoryBlobs(): Rig["blobs"] {
  const held = new Map<string, string>();
  return {
    held,
    async put(blobId, bytes) {
      held.set(blobId, Buffer.from(bytes).toString("latin1"));
    },
    async get(blobId) {
      const text = held.get(blobId);
      return text === undefined ? undefined : Buffer.from(text, "latin1");
    },
    async delete(blobId) {
      held.delete(blobId);
    },
    async *listOlderThan() {
      yield* held.keys();
    },
  };
}
