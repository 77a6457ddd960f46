import { percentile } from "../check/measure-recovery.js";
import type { Poll } from "../client/open-polls.js";
import { type Crowd, startCrowd } from "../client/start-crowd.js";
import { tellSentinels } from "../nemesis/tell-sentinels.js";
import { createRandom } from "../random.js";
import { readLoopAges } from "../wedge/loop-ages.js";
import { pause, type Stage, untilTrue } from "./stage.js";

/** How many callers wait, and for how many tasks. */
export interface CrowdSize {
  readonly callers: number;
  readonly tasks: number;
}

const TASKS_PER_SECOND = 300;
const CALLERS_PER_SECOND = 1_000;
/** Seconds that callers wait: some of them less than their task takes, and all of them longer than a failover. */
const LEAST_WAIT_S = 12;
const MOST_WAIT_S = 25;
/** So late an answer may be. */
const LATE_MS = 2_000;
/** So many callers keep a small machine busy: a master is not to be taken for down because of that. */
const PATIENCE_MS = 4_000;
const DEAF_MS = 12_000;
/** A caller who is taken in is first told what his task says now. */
const FIRST_READ_MS = 1_000;

/** Many callers wait while the master dies and another takes its place. */
export function pollsInFailover(size: CrowdSize): (stage: Stage) => Promise<void> {
  return async (stage) => {
    const { topology } = stage.world;
    await tellSentinels(topology, "SET", "down-after-milliseconds", String(PATIENCE_MS));
    const crowd = await gather(stage, size);
    const [master] = await topology.masters();
    if (master === undefined) throw new Error("there is no master");
    await stage.measure("failover with many callers", [master]);
    await master.kill();
    const promotedMs = await untilTrue(async () => (await topology.masters()).length > 0, 20_000);
    stage.show(`another master after ${promotedMs} ms`);
    if (promotedMs === undefined) stage.blame("nobody was promoted");
    await topology.beforeReturn?.(master);
    await master.restart();
    await judgeCrowd(stage, crowd);
    if (!(await stage.whole())) stage.blame("not all follow one master again");
  };
}

/** Many callers wait, and for a while no message that a run has ended reaches any api. */
export function pollsWithoutMessages(size: CrowdSize): (stage: Stage) => Promise<void> {
  return async (stage) => {
    const links = stage.world.topology.nodes.map(({ link }) => link);
    const crowd = await gather(stage, size);
    const fromMs = Date.now();
    for (const link of links) await link.setFault({ kind: "black-hole" }, ({ subscribes }) => subscribes);
    await pause(DEAF_MS);
    const deafMs = await leastDeafMs(stage);
    for (const link of links) await link.setFault(undefined);
    const toMs = Date.now();
    const told = crowd
      .polls()
      .filter(({ endedMs = 0, answer }) => isResult(answer) && endedMs > fromMs && endedMs < toMs);
    stage.show(`no api heard a message for ${deafMs} ms; ${told.length} callers had their result meanwhile`);
    if (deafMs < DEAF_MS - 3_000) stage.blame("an api heard messages");
    if (told.length === 0) stage.blame("nobody had a result without messages");
    await judgeCrowd(stage, crowd);
  };
}

/** Submits tasks that take a while, and lets callers wait for those that will end last. */
async function gather(stage: Stage, { callers, tasks }: CrowdSize): Promise<Crowd> {
  await stage.clients.submit(tasks, TASKS_PER_SECOND);
  const random = createRandom("crowd");
  const open = stage.clients.entries.flatMap(({ taskId, first, purpose }) =>
    taskId !== undefined && first === undefined && purpose === "ordinary" ? [taskId] : [],
  );
  const last = open.slice(-Math.ceil(open.length / 2));
  const crowd = startCrowd({
    perSecond: CALLERS_PER_SECOND,
    // Past the links, which would need two more descriptors for each.
    ports: stage.world.fleet.ofRole("api").map(({ url }) => Number(new URL(url).port)),
    polls: Array.from({ length: callers }, () => ({
      taskId: random.pick(last),
      waitS: random.between(LEAST_WAIT_S, MOST_WAIT_S),
    })),
  });
  await untilTrue(() => crowd.polls().length === callers, (2_000 * callers) / CALLERS_PER_SECOND + 5_000);
  // Whoever has not been taken in by then is not waiting yet.
  await untilTrue(async () => (await waitersOf(stage)) >= waitingOf(crowd).length, 5_000);
  await pause(FIRST_READ_MS);
  const waiting = waitingOf(crowd).length;
  stage.show(`${waiting} of ${callers} callers waited for ${last.length} tasks when it began`);
  if (waiting < callers / 2) stage.blame("hardly anybody waited when it began");
  return crowd;
}

function waitingOf(crowd: Crowd): readonly Poll[] {
  return crowd.polls().filter(({ endedMs }) => endedMs === undefined);
}

async function judgeCrowd(stage: Stage, crowd: Crowd): Promise<void> {
  await untilTrue(() => waitingOf(crowd).length === 0, 1_000 * MOST_WAIT_S + 15_000);
  const polls = crowd.polls();
  const hanging = waitingOf(crowd).length;
  crowd.stop();
  const lateMs = polls.map(({ openedMs, endedMs = Infinity, waitMs }) => endedMs - openedMs - waitMs);
  const late = lateMs.filter((ms) => ms > LATE_MS).length;
  const wrong = polls.filter(({ answer }) => answer === undefined || !/^200 [A-Z]+$/.test(answer));
  stage.show(`callers were answered: ${countAnswers(polls)}`);
  stage.show(`after the end of their wait, ms: p99 ${percentile(lateMs, 0.99)}, at most ${Math.max(...lateMs)}`);
  if (hanging > 0) stage.blame(`${hanging} callers were never answered`);
  if (late > 0) stage.blame(`${late} callers were answered more than ${LATE_MS} ms after their wait`);
  if (wrong.length > 0) {
    const waitedMs = wrong.map(({ openedMs, endedMs = Infinity }) => endedMs - openedMs);
    const span = `${Math.min(...waitedMs)} to ${Math.max(...waitedMs)} ms after they came`;
    stage.blame(`${wrong.length} callers had neither a result nor a state: ${countAnswers(wrong)}, ${span}`);
  }
}

function countAnswers(polls: readonly Poll[]): string {
  const counts = new Map<string, number>();
  for (const { answer = "never" } of polls) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  return [...counts].map(([answer, count]) => `${count} x ${answer}`).join(", ");
}

const isResult = (answer: string | undefined): boolean => answer === "200 SUCCESS" || answer === "200 FAILED";

/** For how long every api has heard nothing of its subscriptions. */
async function leastDeafMs({ world }: Stage): Promise<number> {
  const ages = await Promise.all(world.fleet.ofRole("api").map(readLoopAges));
  const deaf = ages.flat().filter(({ loop }) => loop.endsWith("poll subscription"));
  return Math.round(Math.min(Infinity, ...deaf.map(({ ageMs }) => ageMs)));
}

/** Requests that wait for a result, as the apis say. */
async function waitersOf({ world }: Stage): Promise<number> {
  const counts = await Promise.all(
    world.fleet.ofRole("api").map(async ({ url }) => {
      const text = await (await fetch(`${url}/metrics`)).text();
      return Number(/^sluice_waiters (\d+)/m.exec(text)?.[1]);
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}
