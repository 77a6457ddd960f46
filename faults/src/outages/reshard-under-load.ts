import { keys, SHARD_COUNT } from "@sluice/broker";

import { countErrors } from "../check/error-counts.js";
import { reshard, slotsOf } from "../nemesis/reshard.js";
import type { RedisNode } from "../topology/redis-node.js";
import type { Topology } from "../topology/topology.js";
import { blameErrors, showRedirections } from "./blame-errors.js";
import { pause, type Stage } from "./stage.js";

const SLOTS = 500;
/** Results that lie in the slots before they are moved: a slot is half here and half there for a second. */
const RESULTS = 3_000;
const RESULTS_PER_SECOND = 250;
/** How far apart the two masters are. */
const DISTANCE_MS = 10;

/** Slots that hold a shard's keys go to another master and back, as an operator moves them, while clients use them. */
export async function reshardUnderLoad(stage: Stage): Promise<void> {
  const { topology } = stage.world;
  const before = await countErrors(topology.nodes);
  const { from, to, shard } = await findPath(topology);
  await stage.clients.submit(RESULTS, RESULTS_PER_SECOND);
  for (const [source, target] of [
    [from, to],
    [to, from],
  ] as const) {
    stage.mayRepeat("resharding");
    const [slots, startMs] = [(await slotsOf(target)).length, Date.now()];
    await target.link.setFault(
      { kind: "delay", delayMs: DISTANCE_MS },
      ({ address }) => address === source.sourceAddress,
    );
    await reshard(source, target, SLOTS);
    await target.link.setFault(undefined);
    const moved = (await slotsOf(target)).length - slots;
    stage.show(`${moved} slots with shard ${shard} moved to ${target.name} in ${Date.now() - startMs} ms`);
    if (moved !== SLOTS) stage.blame(`${moved} of ${SLOTS} slots were moved`);
    if ((await topology.masterOfShard(shard)) !== target) stage.blame(`shard ${shard} did not move`);
    await pause(2_000);
  }
  await showRedirections(stage, before);
  blameErrors(stage);
}

/** A master whose lowest slots, those that redis-cli takes, hold a shard; one with higher slots gives them back first. */
async function findPath(topology: Topology): Promise<{ from: RedisNode; to: RedisNode; shard: number }> {
  const masters = await topology.masters();
  for (const from of masters) {
    const lowest = (await slotsOf(from)).slice(0, SLOTS);
    for (let shard = 0; shard < SHARD_COUNT; shard++) {
      const slot = Number(await from.command("CLUSTER", "KEYSLOT", keys.owner(shard)));
      if (!lowest.includes(slot)) continue;
      for (const to of masters) {
        const [first = 0] = await slotsOf(to);
        if (first > slot) return { from, to, shard };
      }
    }
  }
  throw new Error(`no master holds a shard in its lowest ${SLOTS} slots`);
}
