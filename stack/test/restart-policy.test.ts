import { expect, test } from "vitest";

import { nextRestart } from "../src/process/restart-policy.js";

test("a process that dies again and again is started after 0.2 s, then after twice as long, at most after 5 s", () => {
  const delays: number[] = [];
  for (let deaths = 0; deaths < 7;) {
    const next = nextRestart(deaths, 1_000);
    delays.push(next.delayMs);
    deaths = next.deaths;
  }
  expect(delays).toEqual([200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
});

test("a process that lived for half a minute begins a new row", () => {
  expect(nextRestart(6, 29_999)).toEqual({ deaths: 7, delayMs: 5_000 });
  expect(nextRestart(6, 30_000)).toEqual({ deaths: 1, delayMs: 200 });
});
