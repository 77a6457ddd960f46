import { execFile } from "node:child_process";
import { promisify } from "node:util";

import type { RedisNode } from "../topology/redis-node.js";

/**
 * Moves slots as an operator does, by `redis-cli --cluster reshard`, while clients use them. The lowest ones that
 * `from` holds are taken.
 * @throws Error with what redis-cli said if it gives up.
 */
export async function reshard(from: RedisNode, to: RedisNode, slots: number): Promise<void> {
  const [fromId, toId] = [await from.command("CLUSTER", "MYID"), await to.command("CLUSTER", "MYID")];
  const what = ["--cluster-from", fromId, "--cluster-to", toId, "--cluster-slots", String(slots), "--cluster-yes"];
  await promisify(execFile)("redis-cli", ["--cluster", "reshard", from.link.address, ...what], {
    maxBuffer: 64 * 2 ** 20,
  });
}

/** The slots that a node holds, as it says itself, in order; those on their way are still among them. */
export async function slotsOf(node: RedisNode): Promise<number[]> {
  const self = (await node.command("CLUSTER", "NODES")).split("\n").find((line) => line.includes("myself")) ?? "";
  return self
    .split(" ")
    .slice(8)
    .flatMap((range) => {
      const match = /^(\d+)(?:-(\d+))?$/.exec(range);
      if (match === null) return [];
      const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])];
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}
