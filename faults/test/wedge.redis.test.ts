import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "vitest";

import { parseLoopAges } from "../src/wedge/loop-ages.js";
import { runWedge } from "../src/wedge/run-wedge.js";
import { runWedgeControls } from "../src/wedge/run-wedge-controls.js";
import { WEDGE_CONTROLS } from "../src/wedge/wedge-controls.js";
import { wedgeLines } from "../src/wedge/wedge-report.js";

/** SLUICE_FAULTS_SEED replays a run that failed. */
const seed = process.env["SLUICE_FAULTS_SEED"] ?? randomBytes(4).toString("hex");
/** Longer than any watchdog waits. */
const HOLD_MS = 6_000;

test("ages of loops are read from the metrics of every role", () => {
  const metrics = [
    'sluice_loop_age_seconds{loop="read"} 0.25',
    'sluice_slot_last_poll_seconds{slot="1"} 2',
    'sluice_poll_age_seconds{poll="subscription"} +Inf',
    'sluice_other_seconds{loop="read"} 1',
  ];
  expect(parseLoopAges("batcher-1", metrics.join("\n"))).toEqual([
    { loop: "batcher-1 read", ageMs: 250 },
    { loop: "batcher-1 slot 1", ageMs: 2_000 },
    { loop: "batcher-1 poll subscription", ageMs: Infinity },
  ]);
});

test(
  "every loop goes on when all connections were lost without an end; without a watchdog it does not",
  { timeout: 120_000 },
  async () => {
    const dir = await mkdtemp(join(tmpdir(), "sluice-wedge-"));
    const lines: string[] = [`replay with SLUICE_FAULTS_SEED=${seed}`];
    const say = (line: string): void => void lines.push(line);
    const control = WEDGE_CONTROLS.filter(({ name }) => name.startsWith("a command connection"));
    const [worlds, controls] = await Promise.all([
      runWedge({
        topology: "S",
        seed,
        times: 1,
        worlds: 1,
        holdMs: HOLD_MS,
        only: "lost",
        dir: join(dir, "world"),
        say,
      }),
      runWedgeControls({ seed, holdMs: HOLD_MS, dir: join(dir, "control"), say }, control),
    ]);
    console.log([...lines, ...wedgeLines(worlds)].join("\n"));
    expect(
      worlds.flatMap(({ broken }) => broken),
      `replay with SLUICE_FAULTS_SEED=${seed}; logs in ${dir}`,
    ).toEqual([]);
    expect(controls.map(({ broken }) => broken.some((line) => line.startsWith("wedged: api-1 poll")))).toEqual([true]);
    await rm(dir, { recursive: true, force: true });
  },
);
