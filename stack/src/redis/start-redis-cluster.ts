import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { withFreePorts } from "../with-free-ports.js";
import { sendCommand } from "./send-command.js";
import { type RedisServer, startRedisServer } from "./start-redis-server.js";

/** Slots of a Redis Cluster (cluster specification, "Key distribution model"). */
const SLOTS = 16_384;

/** A real Redis Cluster of masters on this machine. */
export interface RedisCluster {
  /** `redis-cluster://127.0.0.1:PORT,127.0.0.1:PORT,...` */
  readonly url: string;
  /** The masters in order of their slots: node i of n serves the i-th part of the 16,384 slots. */
  readonly nodes: readonly RedisServer[];
  /** Stops all nodes; may be called twice. */
  stop(): Promise<void>;
}

/**
 * Starts a cluster and waits until every node says `cluster_state:ok` and knows all others.
 * @param options.dir holds one folder a node; one that goes when the cluster is stopped if absent.
 * @throws Error like startRedisServer, or if the nodes do not agree within 30 s.
 */
export async function startRedisCluster(options: { masters?: number; dir?: string } = {}): Promise<RedisCluster> {
  const masters = options.masters ?? 3;
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), "sluice-redis-cluster-")));
  const started = await Promise.allSettled(Array.from({ length: masters }, (_, index) => startNode(dir, index)));
  const nodes = started.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()));
    if (options.dir === undefined) await rm(dir, { recursive: true, force: true });
  };
  try {
    for (const result of started) if (result.status === "rejected") throw result.reason;
    await joinNodes(nodes);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `redis-cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(",")}`, nodes, stop };
}

async function startNode(dir: string, index: number): Promise<RedisServer> {
  // The bus port of its own: the usual one, port + 10,000, may lie beyond the last port.
  return withFreePorts(1, ([busPort]) =>
    startRedisServer({
      dir: join(dir, `node-${index + 1}`),
      extraArgs: ["--cluster-enabled", "yes", "--cluster-port", String(busPort), "--cluster-node-timeout", "2000"],
    }),
  );
}

async function joinNodes(nodes: readonly RedisServer[]): Promise<void> {
  const [first] = nodes;
  if (first === undefined) return;
  const busPorts = await Promise.all(nodes.map(({ port }) => busPortOf(port)));
  for (const [index, { port }] of nodes.entries()) {
    const start = Math.floor((SLOTS * index) / nodes.length);
    const end = Math.floor((SLOTS * (index + 1)) / nodes.length) - 1;
    await sendCommand(port, ["CLUSTER", "ADDSLOTSRANGE", String(start), String(end)]);
    // Different epochs from the start, so that no two masters have to settle a conflict.
    await sendCommand(port, ["CLUSTER", "SET-CONFIG-EPOCH", String(index + 1)]);
  }
  for (const [index, { port }] of nodes.entries()) {
    if (index > 0) await sendCommand(first.port, ["CLUSTER", "MEET", "127.0.0.1", String(port), busPorts[index] ?? ""]);
  }
  await waitForAgreement(nodes);
}

async function busPortOf(port: number): Promise<string> {
  const [line = ""] = (await sendCommand(port, ["CLUSTER", "NODES"])).split("\n");
  const busPort = /@(\d+)/.exec(line)?.[1];
  if (busPort === undefined) throw new Error(`redis on port ${port} does not name its bus port: ${line}`);
  return busPort;
}

async function waitForAgreement(nodes: readonly RedisServer[]): Promise<void> {
  const deadlineMs = performance.now() + 30_000;
  const agrees = async ({ port }: RedisServer): Promise<boolean> => {
    const info = await sendCommand(port, ["CLUSTER", "INFO"]);
    return info.includes("cluster_state:ok") && info.includes(`cluster_size:${nodes.length}\r`);
  };
  while (!(await Promise.all(nodes.map(agrees))).every(Boolean)) {
    if (performance.now() > deadlineMs) throw new Error("The nodes of the Redis Cluster do not agree after 30 s.");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
