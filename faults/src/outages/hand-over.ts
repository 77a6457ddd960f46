import { acceptedBetween } from "../check/accepted-between.js";
import { countErrors } from "../check/error-counts.js";
import { tellSentinels } from "../nemesis/tell-sentinels.js";
import { pause, type Stage, untilTrue } from "./stage.js";

/** For so long clients are still sent to a server that takes no writes any more. */
const UNTOLD_MS = 2_000;
const RECOVERY_MS = 10_000;

/**
 * An operator makes a replica the master by hand, and tells the Sentinels only afterwards: until then clients stay with
 * a server that answers writes with READONLY.
 */
export async function handOver(stage: Stage): Promise<void> {
  const { topology } = stage.world;
  const [old] = await topology.masters();
  const [next, third] = topology.nodes.filter((node) => node !== old);
  if (old === undefined || next === undefined || third === undefined)
    throw new Error("there is nobody to hand over to");
  await pause(2_000);
  await stage.measure("handed over by hand", [old]);
  await next.command("REPLICAOF", "NO", "ONE");
  const address = ["127.0.0.1", String(next.link.port)];
  for (const node of [old, third]) await node.command("REPLICAOF", ...address);
  await pause(UNTOLD_MS);
  const { READONLY: refused = 0 } = await countErrors([old]);
  const toldMs = Date.now();
  await tellSentinels(topology, "REMOVE");
  await tellSentinels(topology, "MONITOR", ...address, "2");
  await tellSentinels(topology, "SET", "down-after-milliseconds", "1000");
  const span = { fromMs: toldMs, toMs: Infinity };
  const acceptsMs = await untilTrue(() => acceptedBetween(stage.clients.entries, span).length > 0, RECOVERY_MS);
  stage.show(
    `${old.name} answered READONLY ${refused} times; work is accepted ${acceptsMs} ms after the Sentinels know`,
  );
  if (refused === 0) stage.blame("nobody was answered READONLY");
  if (acceptsMs === undefined) stage.blame("nothing is accepted again");
  if (!(await stage.whole())) stage.blame("not all follow one master again");
}
