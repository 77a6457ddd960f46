import type { RowOutcome, TaskFailure } from "@sluice/broker";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Attempt, bisect } from "../src/bisect.js";

const failure: TaskFailure = { code: "upstream-invalid", message: "refused" };
const success = (row: number): RowOutcome => ({
  state: "SUCCESS",
  output: [{ name: "O", datatype: "INT8", shape: [], data: Buffer.from([row]) }],
});
const FAILED: RowOutcome = { state: "FAILED", failure };

/** A model that refuses every call with a poisonous row in it. */
interface World {
  readonly rowCount: number;
  readonly poison: ReadonlySet<number>;
  /** Poison is refused with INTERNAL, which may be the endpoint's fault. */
  readonly ambiguous?: boolean;
  /** Rows whose scores come back as NaN. */
  readonly nan?: ReadonlySet<number>;
  readonly knownGood?: boolean | undefined;
  /** The endpoint gives way at this call (from 1), in this way. */
  readonly breaksAt?: number;
  readonly breaksWith?: "unavailable" | "INTERNAL";
  readonly maxAttempts?: number;
}

async function runIn(world: World) {
  const { rowCount, poison, nan = new Set(), ambiguous = false, maxAttempts = 3 } = world;
  const calls: number[][] = [];
  const [probes, pauses, blames]: [number[], number[], boolean[]] = [[], [], []];
  const isBroken = () => calls.length >= (world.breaksAt ?? Infinity);
  const attempt = async (rows: readonly number[]): Promise<Attempt> => {
    calls.push([...rows]);
    if (isBroken() && world.breaksWith !== "INTERNAL") return { kind: "unavailable" };
    if (isBroken()) return { kind: "refused", failure, certain: false };
    if (rows.some((row) => poison.has(row))) return { kind: "refused", failure, certain: !ambiguous };
    return { kind: "answered", outcomes: rows.map((row) => (nan.has(row) ? FAILED : success(row))) };
  };
  const knownGoodWorks = async () => {
    probes.push(calls.length);
    return world.knownGood === undefined ? undefined : world.knownGood && !isBroken();
  };
  const rows = Array.from({ length: rowCount }, (_, row) => row);
  const outcomes = await bisect(rows, {
    attempt,
    knownGoodWorks,
    endpointBlamed: (isProven) => void blames.push(isProven),
    pause: async (round) => void pauses.push(round),
    maxAttempts,
  });
  const verdict = outcomes.map((outcome) => outcome?.state ?? "returned");
  return { outcomes, verdict, calls, probes, pauses, blames };
}

const verdictOf = (rowCount: number, failed: ReadonlySet<number>) =>
  Array.from({ length: rowCount }, (_, row) => (failed.has(row) ? "FAILED" : "SUCCESS"));

describe("a batch", () => {
  test("without bad rows is one call", async () => {
    const { outcomes, calls } = await runIn({ rowCount: 64, poison: new Set() });
    expect(outcomes).toEqual(Array.from({ length: 64 }, (_, row) => success(row)));
    expect(calls).toHaveLength(1);
  });

  test("with one bad row is halved down to it; the row fails after three tries alone", async () => {
    const { verdict, calls, pauses } = await runIn({ rowCount: 8, poison: new Set([5]) });
    expect(verdict).toEqual(verdictOf(8, new Set([5])));
    expect(calls).toEqual([[0, 1, 2, 3, 4, 5, 6, 7], [0, 1, 2, 3], [4, 5, 6, 7], [4, 5], [4], [5], [6, 7], [5], [5]]);
    expect(pauses).toEqual([1, 2]);
  });

  test("fails only the row whose score is no number, and only after three tries", async () => {
    const { verdict, calls } = await runIn({ rowCount: 4, poison: new Set(), nan: new Set([2]) });
    expect(verdict).toEqual(verdictOf(4, new Set([2])));
    expect(calls).toEqual([[0, 1, 2, 3], [2], [2]]);
  });

  test("whose single row is refused once by chance succeeds", async () => {
    let calls = 0;
    const attempt = async (): Promise<Attempt> =>
      ++calls === 1 ? { kind: "refused", failure, certain: true } : { kind: "answered", outcomes: [success(0)] };
    const steps = {
      attempt,
      knownGoodWorks: async () => undefined,
      endpointBlamed: () => undefined,
      pause: async () => undefined,
      maxAttempts: 3,
    };
    expect(await bisect([0], steps)).toEqual([success(0)]);
    expect(calls).toBe(2);
  });
});

describe("a refusal that may be the endpoint's fault", () => {
  test("fails the row at fault if the known-good input works before and after", async () => {
    const { verdict, probes, calls, blames } = await runIn({
      rowCount: 8,
      poison: new Set([0]),
      ambiguous: true,
      knownGood: true,
    });
    expect(verdict).toEqual(verdictOf(8, new Set([0])));
    expect([probes, blames]).toEqual([[1, calls.length], []]);
  });

  test("fails the row at fault if a mate succeeds after it, where there is no known-good input", async () => {
    const { verdict, calls } = await runIn({ rowCount: 4, poison: new Set([0]), ambiguous: true });
    expect(verdict).toEqual(verdictOf(4, new Set([0])));
    expect(calls.at(-1)).toEqual([1]);
  });

  test("fails nothing if neither a mate nor the known-good input works", async () => {
    const world = { rowCount: 64, poison: new Set<number>(), breaksAt: 1, breaksWith: "INTERNAL" } as const;
    const { verdict, calls, probes, blames } = await runIn({ ...world, knownGood: true });
    expect(blames).toEqual([true]);
    expect(verdict).toEqual(new Array(64).fill("returned"));
    expect(calls).toHaveLength(8);
    expect(probes).toEqual([1]);
    const alone = await runIn({ ...world, rowCount: 1, knownGood: true });
    expect([alone.verdict, alone.calls.length, alone.blames]).toEqual([["returned"], 3, [true]]);
    const unproven = await runIn({ ...world, rowCount: 1 });
    expect([unproven.verdict, unproven.blames]).toEqual([["returned"], [false]]);
  });

  test("is found even when the known-good input is none, as long as one row is at fault", async () => {
    for (let row = 0; row < 64; row++) {
      const { verdict } = await runIn({ rowCount: 64, poison: new Set([row]), ambiguous: true, knownGood: false });
      expect(verdict).toEqual(verdictOf(64, new Set([row])));
    }
  });

  test("fails nothing if the endpoint broke while it was looked for", async () => {
    // The search takes nine calls.
    for (let breaksAt = 2; breaksAt <= 9; breaksAt++) {
      for (const knownGood of [true, undefined]) {
        const { verdict } = await runIn({
          rowCount: 8,
          poison: new Set([5]),
          ambiguous: true,
          knownGood,
          breaksAt,
          breaksWith: "INTERNAL",
        });
        expect(verdict).not.toContain("FAILED");
      }
    }
  });
});

describe("for any batch", () => {
  const worlds = fc.integer({ min: 1, max: 64 }).chain((rowCount) =>
    fc.record({
      rowCount: fc.constant(rowCount),
      poison: fc.uniqueArray(fc.nat(rowCount - 1)).map((rows) => new Set(rows)),
      nan: fc.uniqueArray(fc.nat(rowCount - 1), { maxLength: 3 }).map((rows) => new Set(rows)),
      ambiguous: fc.boolean(),
      knownGood: fc.constantFrom(true, undefined),
      maxAttempts: fc.integer({ min: 1, max: 4 }),
    }),
  );

  test("every row gets exactly its outcome: only bad rows fail, and calls are bounded", async () => {
    await fc.assert(
      fc.asyncProperty(worlds, async (world) => {
        const { rowCount, poison, nan, maxAttempts } = world;
        const { outcomes, verdict, calls } = await runIn(world);
        const bad = new Set([...poison, ...nan]);
        // Where all are poison and nothing is known to be good, nobody can tell the rows from the endpoint.
        const untold = world.ambiguous && world.knownGood === undefined && bad.size === rowCount;
        if (!untold) expect(verdict).toEqual(verdictOf(rowCount, bad));
        outcomes.forEach((outcome, row) => {
          if (outcome?.state === "SUCCESS") expect(outcome).toEqual(success(row));
          if (outcome?.state === "FAILED") expect(bad.has(row)).toBe(true);
        });
        expect(calls.length).toBeLessThanOrEqual(2 * rowCount - 1 + rowCount * (maxAttempts - 1) + 1);
      }),
    );
  });

  test("an endpoint that gives way at any moment fails no good row, and no row gets another one's answer", async () => {
    await fc.assert(
      fc.asyncProperty(worlds, fc.integer({ min: 1, max: 40 }), async (world, breaksAt) => {
        const { outcomes, calls } = await runIn({ ...world, breaksAt, breaksWith: "unavailable" });
        outcomes.forEach((outcome, row) => {
          if (outcome?.state === "SUCCESS") expect(outcome).toEqual(success(row));
          if (outcome?.state === "FAILED") expect(world.poison.has(row) || world.nan.has(row)).toBe(true);
        });
        expect(calls.length).toBeLessThanOrEqual(breaksAt);
      }),
    );
  });
});
