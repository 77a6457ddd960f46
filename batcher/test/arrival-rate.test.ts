import { expect, test } from "vitest";
import { ArrivalRate } from "../src/arrival-rate.js";

test("the rate is that of the latest seconds, however the arrivals are bunched", () => {
  const rate = new ArrivalRate();
  let total = 1_000;
  expect(rate.look(total, 0)).toBe(0);
  let now = 0;
  let last = 0;
  // 100 a second, every second look none and then twice as many.
  for (let look = 1; look <= 60; look++) last = rate.look((total += look % 2 === 0 ? 100 : 0), (now += 500));
  expect(last).toBeGreaterThan(90);
  expect(last).toBeLessThan(112);
  for (let look = 0; look < 60; look++) last = rate.look(total, (now += 500));
  expect(last).toBeLessThan(1);
  expect(rate.look(total, now)).toBe(last);
});
