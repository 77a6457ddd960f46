import fc from "fast-check";
import { expect, test } from "vitest";
import { Breaker } from "../../src/health/breaker.js";

const LIMITS = { failures: 3, openMs: 500, maxOpenMs: 2_000 };

test("it opens after failures in a row, and an answer in between begins the count anew", () => {
  const breaker = new Breaker(LIMITS);
  for (const ms of [1, 2]) breaker.failed(ms);
  breaker.answered(3);
  for (const ms of [4, 5]) breaker.failed(ms);
  expect([breaker.state(5), breaker.admit(5)]).toEqual(["closed", "usual"]);
  breaker.failed(6);
  expect([breaker.state(6), breaker.admit(6), breaker.state(505), breaker.state(506)]).toEqual([
    "open",
    undefined,
    "open",
    "half-open",
  ]);
});

test("half-open lets one batch in at a time; its answer closes it", () => {
  const breaker = new Breaker(LIMITS);
  breaker.trip(0);
  expect([breaker.admit(499), breaker.admit(500), breaker.admit(501)]).toEqual([undefined, "trial", undefined]);
  breaker.ended("usual");
  expect(breaker.admit(502)).toBeUndefined();
  breaker.ended("trial");
  expect(breaker.admit(503)).toBe("trial");
  breaker.answered(504);
  breaker.ended("trial");
  expect([breaker.admit(505), breaker.admit(505)]).toEqual(["usual", "usual"]);
});

test("each trial that fails keeps it open for twice as long, up to a limit; an answer ends that", () => {
  const breaker = new Breaker(LIMITS);
  const opens: number[] = [];
  breaker.trip(0);
  for (let ms = 0; opens.length < 5; ms++) {
    if (breaker.state(ms) !== "half-open") continue;
    opens.push(ms);
    breaker.failed(ms);
  }
  expect(opens).toEqual([500, 1_500, 3_500, 5_500, 7_500]);
  breaker.answered(9_500);
  breaker.trip(9_600);
  expect([breaker.state(10_099), breaker.state(10_100)]).toEqual(["open", "half-open"]);
});

test("what was sent before it opened neither closes nor prolongs it", () => {
  const breaker = new Breaker(LIMITS);
  breaker.trip(0);
  breaker.answered(100);
  breaker.failed(400);
  breaker.trip(450);
  expect([breaker.state(499), breaker.state(500)]).toEqual(["open", "half-open"]);
});

test("whatever happens, it is never open for longer than the limit, and never lets two trials in", () => {
  const event = fc.tuple(fc.constantFrom("admit", "ended", "answered", "failed", "trip"), fc.nat(400));
  fc.assert(
    fc.property(fc.array(event, { maxLength: 200 }), (events) => {
      const breaker = new Breaker(LIMITS);
      let [nowMs, openSinceMs, trials] = [0, 0, 0];
      for (const [what, ms] of events) {
        nowMs += ms;
        if (breaker.state(nowMs) !== "open") openSinceMs = nowMs;
        expect(nowMs - openSinceMs).toBeLessThanOrEqual(2_000);
        if (what === "admit" && breaker.admit(nowMs) === "trial") trials++;
        else if (what === "ended" && trials > 0) {
          trials--;
          breaker.ended("trial");
        } else if (what === "answered" || what === "failed" || what === "trip") breaker[what](nowMs);
        expect(trials).toBeLessThanOrEqual(1);
      }
    }),
  );
});
