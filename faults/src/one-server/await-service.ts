import { readReadiness } from "../check/readiness.js";
import { type Stage, untilTrue } from "../outages/stage.js";

/** The api looks at its server every 2 s. */
const NOTICED_MS = 3_000;
/** Whatever was wrong, new work is done so soon after. */
const RESUMED_MS = 5_000;

/** Blames apis that are still ready, or do not say why they are not, when they should have noticed. */
export async function awaitNotReady(stage: Stage, why: RegExp): Promise<void> {
  for (const api of stage.world.fleet.ofRole("api")) {
    let says = "";
    const tookMs = await untilTrue(async () => {
      const readiness = await readReadiness(api);
      says = readiness.says;
      return !readiness.isReady && why.test(says);
    }, NOTICED_MS);
    if (tookMs === undefined)
      stage.blame(`${api.name} does not say after ${NOTICED_MS} ms why it is not ready: ${says}`);
    else stage.show(`${api.name} is not ready ${tookMs} ms after: ${says}`);
  }
}

/**
 * Waits until every api is ready and a task that was submitted since has succeeded; blames what takes too long.
 * @param sinceMs when the trouble was over, wall clock.
 */
export async function awaitService(stage: Stage, sinceMs: number): Promise<void> {
  const apis = stage.world.fleet.ofRole("api");
  const isServed = (): boolean =>
    stage.clients.entries.some(({ submittedMs, first }) => submittedMs > sinceMs && first?.state === "SUCCESS");
  const served = await untilTrue(isServed, 2 * RESUMED_MS);
  const servedMs = Date.now() - sinceMs;
  if (served === undefined || servedMs > RESUMED_MS) stage.blame(`no new task succeeded within ${RESUMED_MS} ms`);
  else stage.show(`a new task had succeeded ${servedMs} ms after`);
  const areReady = async (): Promise<boolean> =>
    (await Promise.all(apis.map(readReadiness))).every((one) => one.isReady);
  if ((await untilTrue(areReady, RESUMED_MS)) === undefined) stage.blame("an api is not ready again");
  else stage.show(`all apis were ready ${Date.now() - sinceMs} ms after`);
}

/** Blames processes that ended by themselves, also while they started: nobody has to start anew for this. */
export function blameExits(stage: Stage): void {
  const { unplannedExits } = stage.world;
  for (const { name, code, signal } of unplannedExits) stage.blame(`${name} ended with ${signal ?? code}, unasked`);
}
