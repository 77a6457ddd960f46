import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { planTask } from "../src/client/plan-task.js";
import { faultName, isKill } from "../src/schedule/fault.js";
import { ALONE_MS, planSchedule } from "../src/schedule/plan-schedule.js";
import { TOPOLOGY_KINDS } from "../src/topology/topology.js";

const options = fc.record({
  seed: fc.string(),
  topology: fc.constantFrom(...TOPOLOGY_KINDS),
  kills: fc.nat(60),
  aloneEvery: fc.integer({ min: 1, max: 8 }),
});

describe("a schedule", () => {
  test("is a function of its seed", () => {
    fc.assert(
      fc.property(options, (one) => {
        expect(planSchedule(one)).toEqual(planSchedule({ ...one }));
      }),
    );
  });
  test("has as many kills as were asked for, some of them alone", () => {
    fc.assert(
      fc.property(options, (one) => {
        const kills = planSchedule(one).filter(({ fault }) => isKill(fault));
        expect(kills).toHaveLength(one.kills);
        expect(kills.filter(({ alone }) => alone)).toHaveLength(Math.floor(one.kills / one.aloneEvery));
      }),
    );
  });
  test("leaves a kill that is alone in peace", () => {
    fc.assert(
      fc.property(options, (one) => {
        const steps = planSchedule(one);
        steps.forEach(({ alone }, index) => {
          const next = steps[index + 1];
          if (alone && next) expect(next.waitMs).toBeGreaterThanOrEqual(ALONE_MS);
        });
      }),
    );
  });
  test("does nothing to replicas and slots where there are none", () => {
    fc.assert(
      fc.property(options, (one) => {
        const kinds = planSchedule(one).map(({ fault }) => fault.kind);
        if (one.topology !== "C") expect(kinds.filter((kind) => /cluster|slot/.test(kind))).toEqual([]);
        if (one.topology === "S") expect(kinds).not.toContain("kill-replica");
      }),
    );
  });
  test("of some length does everything that can be done", () => {
    const names = new Set(
      planSchedule({ seed: "all", topology: "C", kills: 3_000, aloneEvery: 4 }).map(({ fault }) => faultName(fault)),
    );
    for (const group of ["redis", "oracle", "api"]) {
      for (const kind of ["refuse", "reset", "black-hole", "half-open", "delay", "cut-after", "cut-reply"]) {
        expect(names).toContain(`link ${group} ${kind}`);
      }
    }
    for (const kind of ["kill-master", "kill-replica", "kill-oracle", "pause-oracle", "pause-redis", "client-kill"]) {
      expect(names).toContain(kind);
    }
    for (const kind of ["script-flush", "memory-limit", "cluster-failover", "migrate-slot"])
      expect(names).toContain(kind);
    for (const role of ["api", "batcher", "gpu-worker"]) {
      expect(names).toContain(`kill-role ${role}`);
      expect(names).toContain(`cut-drain ${role}`);
      expect(names).toContain(`pause-role ${role}`);
    }
  });
});

describe("a planned task", () => {
  test("is a function of seed and number, and has a text of its own unless it is a twin", () => {
    fc.assert(
      fc.property(fc.string(), (seed) => {
        const earlier: ReturnType<typeof planTask>[] = [];
        const texts = new Set<string>();
        for (let index = 0; index < 100; index++) {
          const task = planTask(seed, index, earlier);
          expect(planTask(seed, index, earlier)).toEqual(task);
          expect(texts.has(task.text)).toBe(task.purpose === "twin");
          texts.add(task.text);
          earlier.push(task);
        }
      }),
    );
  });
});
