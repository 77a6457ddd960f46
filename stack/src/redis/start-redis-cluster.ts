import { spawn } from "node:child_process";
import net from "node:net";
import { freePort } from "../free-port.js";
import { type RedisServer, startRedisServer } from "./start-redis-server.js";

/** A Redis Cluster of masters only. */
export interface RedisCluster {
  /** `redis-cluster://host:port,...` */
  readonly url: string;
  readonly nodes: readonly RedisServer[];
  stop(): Promise<void>;
}

/** The cluster bus listens at the client port + 10,000, which must be a port as well. */
const HIGHEST_PORT = 55_535;

/**
 * Starts a real Cluster and resolves when every node knows that all slots are served.
 * @throws Error if it does not come together within 30 s.
 */
export async function startRedisCluster(options: { readonly masters: number }): Promise<RedisCluster> {
  const nodes: RedisServer[] = [];
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  try {
    for (let i = 0; i < options.masters; i++) {
      const extraArgs = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"];
      nodes.push(await startRedisServer({ port: await freeClusterPort(), appendonly: "no", extraArgs }));
    }
    const addresses = nodes.map((node) => `127.0.0.1:${node.port}`);
    await redisCli(["--cluster", "create", ...addresses, "--cluster-yes"]);
    await Promise.all(nodes.map((node) => untilClusterOk(node.port)));
    return { url: `redis-cluster://${addresses.join(",")}`, nodes, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function freeClusterPort(): Promise<number> {
  for (;;) {
    const port = await freePort();
    if (port <= HIGHEST_PORT) return port;
  }
}

async function redisCli(args: readonly string[]): Promise<void> {
  const cli = spawn("redis-cli", args, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  cli.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise((resolve, reject) => cli.once("error", reject).once("exit", resolve));
  if (code !== 0) throw new Error(`redis-cli ${args.join(" ")} failed:\n${output}`);
}

async function untilClusterOk(port: number): Promise<void> {
  const giveUpAt = performance.now() + 30_000;
  while (!(await clusterInfo(port)).includes("cluster_state:ok")) {
    if (performance.now() > giveUpAt) throw new Error(`the cluster node at port ${port} does not see all slots`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function clusterInfo(port: number): Promise<string> {
  return await new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1", () => socket.write("CLUSTER INFO\r\n"));
    socket.once("data", (reply) => {
      resolve(reply.toString());
      socket.destroy();
    });
    socket.once("error", () => resolve(""));
  });
}
