import { acceptedBetween } from "../check/accepted-between.js";
import { pause, type Stage, untilTrue } from "./stage.js";

const LOST_MS = 15_000;
/** Sentinels that could not agree try again after twice their `failover-timeout` (5 s). */
const RECOVERY_MS = 40_000;
/** Work afterwards: as much again as was refused. */
const TASKS_AFTER = 600;
/** A refusal, or no answer within the client's own patience. */
const LEGAL = /^(?:503 |409 request-in-progress|broken: )/;

/** Two of three Sentinels and the master die: nobody can be promoted until a Sentinel is back. */
export async function loseSentinels(stage: Stage): Promise<void> {
  const { topology } = stage.world;
  const [master] = await topology.masters();
  const lost = topology.sentinels.slice(0, 2);
  if (master === undefined || lost.length < 2) throw new Error("there are no Sentinels");
  await pause(2_000);
  for (const sentinel of lost) await sentinel.kill();
  await stage.measure("the master and two Sentinels away", [master]);
  await master.kill();
  const span = { fromMs: Date.now(), toMs: Date.now() + LOST_MS };
  await pause(LOST_MS);
  const masters = await topology.masters();
  if (masters.length > 0) stage.blame(`${masters[0]?.name} was promoted by one Sentinel`);
  judgeAnswers(stage, span);
  const backMs = Date.now();
  for (const sentinel of lost) await sentinel.restart();
  const promotedMs = await untilTrue(async () => (await topology.masters()).length > 0, RECOVERY_MS);
  stage.show(`a replica was promoted ${promotedMs} ms after the Sentinels were back`);
  if (promotedMs === undefined) stage.blame("nobody was promoted when the Sentinels were back");
  await topology.beforeReturn?.(master);
  await master.restart();
  const again = { fromMs: backMs, toMs: Infinity };
  const acceptsMs = await untilTrue(() => acceptedBetween(stage.clients.entries, again).length > 0, RECOVERY_MS);
  stage.show(`work is accepted ${Date.now() - backMs} ms after the Sentinels were back`);
  if (acceptsMs === undefined) stage.blame("nothing is accepted again");
  await stage.clients.submit(TASKS_AFTER, 100);
  if (!(await stage.whole())) stage.blame("not all follow one master again");
}

function judgeAnswers(stage: Stage, span: { readonly fromMs: number; readonly toMs: number }): void {
  const accepted = acceptedBetween(stage.clients.entries, span).length;
  const answers = stage
    .answers()
    .filter(({ request, atMs, tookMs }) => request === "submit" && atMs - tookMs > span.fromMs && atMs <= span.toMs);
  const wrong = answers.filter(({ answer }) => !LEGAL.test(answer));
  const slowest = Math.max(0, ...answers.map(({ tookMs }) => tookMs));
  stage.show(
    `${accepted} of ${answers.length} submissions accepted without a master; answered within ${Math.round(slowest)} ms`,
  );
  if (accepted > 0) stage.blame(`${accepted} tasks were accepted without a master`);
  if (answers.length === 0) stage.blame("nobody asked");
  for (const { answer } of wrong.slice(0, 5)) stage.blame(`a submission without a master was answered ${answer}`);
}
