import fc from "fast-check";
import { atOnce, type Deed, type Move, move } from "../action.js";
import { pass } from "../rules/time.js";

/** Seconds, minutes, longer than anything is kept, and a day. All are multiples of 20 s. */
const passage = fc.oneof(
  { weight: 5, arbitrary: fc.constant(20_000) },
  { weight: 3, arbitrary: fc.constant(120_000) },
  { weight: 1, arbitrary: fc.constantFrom(300_000, 100_000_000) },
);

/** All times move into the past, and what was kept for less long is forgotten. */
export const passing = (ms: number): Deed => ({
  onlyAlone: true,
  send: (rig) => rig.pass(ms),
  plan: () => atOnce((world, now) => void Object.assign(world, pass(world, now, ms))),
});

/** Leases and deadlines end. */
export const timeMoves: fc.Arbitrary<Move> = passage.map((ms) => move("time-passes", ms, () => passing(ms)));
