import fc from "fast-check";
import { type BatchClass, MAX_DEATHS } from "../../src/index.js";
import { type Action, type Move, pickOf } from "./action.js";
import { batcherMoves } from "./moves/batchers.js";
import { deadLetterMoves } from "./moves/dead-letters.js";
import { idempotencyMoves } from "./moves/idempotency.js";
import { heartbeatOf, poolMoves, publishOf, pullOf } from "./moves/pool.js";
import { readOf, taskMoves } from "./moves/tasks.js";
import { passing, timeMoves } from "./moves/time.js";
import { claimOf, makeNotice, SLOTS, unclaimOf, workerMoves } from "./moves/workers.js";
import { countInterleavings, perform, type Session } from "./session.js";

/** So many orders of steps are tried for what is sent at the same time. */
const MAX_ORDERS = 200;

/** How much was done, over all runs. */
export interface Tally {
  runs: number;
  /** Calls of the API, of which so many groups were sent at the same time. */
  actions: number;
  together: number;
}

/** One command of a run; it plays on whatever the run has come to. */
type Command = fc.AsyncCommand<object, Session>;

const anyMove: fc.Arbitrary<Move> = fc.oneof(
  { weight: 7, arbitrary: taskMoves },
  { weight: 5, arbitrary: workerMoves },
  { weight: 5, arbitrary: batcherMoves },
  { weight: 5, arbitrary: poolMoves },
  { weight: 2, arbitrary: deadLetterMoves },
  { weight: 3, arbitrary: idempotencyMoves },
  { weight: 2, arbitrary: timeMoves },
);

const deathsChoice = fc.record({
  pick: fc.nat(99),
  solo: fc.boolean(),
  silent: fc.boolean(),
  /** After three, the run is refused in company: 7 make a dead letter of it. */
  times: fc.constantFrom(1, 2, 3, 4, 7),
});
type Deaths = Parameters<Parameters<typeof deathsChoice.map>[0]>[0];

const servingChoice = fc.record({
  pick: fc.nat(99),
  slot: fc.constantFrom(...SLOTS),
  batchClass: fc.constantFrom<BatchClass>("now", "bulk"),
});
type Serving = Parameters<Parameters<typeof servingChoice.map>[0]>[0];

/** Random commands: single calls, calls whose reply is lost, calls sent again, calls sent together, runs of deaths. */
export function anyCommands(tally: Tally, options: { readonly maxCommands: number; readonly replayPath?: string }) {
  const play = (label: string, work: (session: Session) => Promise<void>): Command => ({
    check: () => true,
    run: (_model, session) => work(session),
    toString: () => label,
  });
  const count = async (session: Session, actions: readonly Action[], lost = false) => {
    if (actions.length === 0) return;
    tally.actions += actions.length;
    if (actions.length > 1) tally.together++;
    await perform(session, actions, lost);
  };
  const single = fc.tuple(anyMove, fc.integer({ min: 0, max: 9 })).map(([move, chance]) =>
    play(`${move.toString()}${chance === 0 ? " (reply lost)" : ""}`, async (session) => {
      const action = move.resolve(session.world, session.memory);
      await count(session, action ? [action] : [], chance === 0);
    }),
  );
  const again = fc.nat(7).map((back) =>
    play(`again ${back}`, async (session) => {
      const action = session.memory.sent.at(-1 - back);
      await count(session, action ? [action] : []);
    }),
  );
  const together = fc.array(anyMove, { minLength: 2, maxLength: 3 }).map((moves) =>
    play(moves.map(String).join(" || "), async (session) => {
      const resolved = moves.flatMap((move) => move.resolve(session.world, session.memory) ?? []);
      await count(session, compatible(resolved));
    }),
  );
  const twice = anyMove.map((move) =>
    play(`twice ${move.toString()}`, async (session) => {
      const action = move.resolve(session.world, session.memory);
      await count(session, compatible(action ? [action, action] : []));
    }),
  );
  const deaths = deathsChoice.map((choice) =>
    play(`deaths ${JSON.stringify(choice)}`, async (session) => {
      for (const action of deathsOf(session, choice)) await count(session, [action]);
    }),
  );
  const serving = servingChoice.map((choice) =>
    play(`serving ${JSON.stringify(choice)}`, async (session) => {
      for (const action of servingOf(session, choice)) await count(session, [action]);
    }),
  );
  const lateRepeat = fc.record({ pick: fc.nat(99), ms: fc.constantFrom(140_000, 240_000) }).map((choice) =>
    play(`late ${JSON.stringify(choice)}`, async (session) => {
      for (const action of lateRepeatOf(session, choice)) await count(session, [action]);
    }),
  );
  const any = fc.oneof(
    { weight: 14, arbitrary: single },
    { weight: 3, arbitrary: together },
    { weight: 2, arbitrary: again },
    { weight: 2, arbitrary: twice },
    { weight: 1, arbitrary: deaths },
    { weight: 1, arbitrary: serving },
    { weight: 1, arbitrary: lateRepeat },
  );
  return fc.commands([any], { size: "max", ...options });
}

/** Those that can be sent at the same time, as long as not too many orders must be tried. */
function compatible(actions: readonly Action[]): Action[] {
  const chosen: Action[] = [];
  for (const action of actions) {
    const busy = chosen.some(({ actor }) => actor !== undefined && actor === action.actor);
    const orders = countInterleavings([...chosen, action].map((one) => one.plan().steps.length));
    if (!action.onlyAlone && !busy && orders <= MAX_ORDERS) chosen.push(action);
  }
  return chosen;
}

/** Workers claim the same run one after the other, and die: somebody says so, or nobody is heard of until the lease ends. */
function* deathsOf(session: Session, { pick, solo, silent, times }: Deaths): Generator<Action> {
  const { memory } = session;
  for (let i = 0; i < times; i++) {
    const notice = makeNotice(session.world, memory, { picks: [pick], solo: solo || i >= MAX_DEATHS });
    if (!notice) return;
    const { batchId, rows } = notice;
    const slot = `w${5 + i}#0`;
    const runIds = rows.map(({ runId }) => runId);
    yield { name: `claim by ${slot}`, ...claimOf(notice, slot, 7_000, memory) };
    yield silent
      ? { name: "its lease ends", ...passing(20_000) }
      : { name: `death of ${slot}`, ...unclaimOf(runIds, { slot, batchId, kind: "died" }) };
  }
}

/** A slot that is alive pulls a notice that has just been published for it. */
function* servingOf(session: Session, { pick, slot, batchClass }: Serving): Generator<Action> {
  const notice = makeNotice(session.world, session.memory, { picks: [pick, pick + 1], solo: false });
  if (!notice) return;
  yield { name: `heartbeat of ${slot}`, ...heartbeatOf([slot]) };
  yield { name: `publish ${notice.batchId}`, ...publishOf(notice, batchClass, 1) };
  yield { name: `pull by ${slot}`, ...pullOf(slot, ["now", "bulk"]) };
}

/** An admission is repeated when its task may be forgotten; whoever is still remembered is asked for. */
function* lateRepeatOf(
  session: Session,
  { pick, ms }: { readonly pick: number; readonly ms: number },
): Generator<Action> {
  const action = pickOf(session.memory.admissions, pick);
  if (!action) return;
  yield { name: `${ms} ms pass`, ...passing(ms) };
  yield action;
  for (const { tasks } of session.world.shards.values()) {
    for (const taskId of tasks.keys()) yield { name: `read ${taskId}`, ...readOf(taskId) };
  }
}
