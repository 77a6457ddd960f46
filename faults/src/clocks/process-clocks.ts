import { readReadiness } from "../check/readiness.js";
import { blameErrors } from "../outages/blame-errors.js";
import { pause, type Stage } from "../outages/stage.js";
import { blameExits } from "../one-server/await-service.js";
import type { FleetMember } from "../roles/start-fleet.js";
import type { ShiftedClocks } from "./shifted-clocks.js";

const HOUR_S = 3_600;
/** Longer than any lease or heartbeat of a campaign. */
const HOLD_MS = 7_000;
/** Forward by an hour, back by two, and to where the clock was. */
const SHIFTS_S = [HOUR_S, -HOUR_S, 0];
/** HTTP names whole seconds, and a server looks at its clock each second. */
const SLACK_S = 2;

/**
 * The clock of one process of each role jumps, and then that of the other ones: nobody notices, for leases, deadlines
 * and lifetimes are by the clock of Redis, and durations by monotonic clocks. Nothing may run twice.
 */
export async function shiftProcessClocks(stage: Stage, clocks: ShiftedClocks): Promise<void> {
  const { members } = stage.world.fleet;
  await pause(1_000);
  for (const seconds of SHIFTS_S) {
    const some = members.filter(({ name }) => name.endsWith("-1"));
    for (const shifted of [some, members]) {
      for (const { name } of shifted) await clocks.shift(name, seconds);
      await pause(HOLD_MS / 2);
    }
    for (const member of members) await showClock(stage, member, seconds);
  }
  await pause(HOLD_MS / 2);
  blameErrors(stage);
  blameExits(stage);
}

async function showClock(stage: Stage, member: FleetMember, seconds: number): Promise<void> {
  const answer = await fetch(`${member.url}/healthz/ready`, { signal: AbortSignal.timeout(2_000) });
  const ahead = Math.round((Date.parse(answer.headers.get("date") ?? "") - Date.now()) / 1_000);
  if (!(Math.abs(ahead - seconds) <= SLACK_S)) stage.blame(`the clock of ${member.name} is ${ahead} s ahead`);
  const { isReady, says } = await readReadiness(member);
  if (!isReady) stage.blame(`${member.name} is not ready: ${says}`);
  else stage.show(`${member.name} lives ${ahead} s ahead, and is ready`);
}
