import { expect, test } from "vitest";
import { ArrivalGap } from "../../src/adaptive/arrival-gap.js";

test("nothing is known before the second arrival", () => {
  const gap = new ArrivalGap();
  gap.arrived(100);
  expect([gap.meanMs, gap.lastMs]).toEqual([Infinity, 100]);
  gap.arrived(110);
  expect([gap.meanMs, gap.lastMs]).toEqual([10, 110]);
});

test("follows a rate that changes", () => {
  const gap = new ArrivalGap();
  let nowMs = 0;
  for (let i = 0; i < 100; i++) gap.arrived((nowMs += 10));
  expect(gap.meanMs).toBeCloseTo(10, 6);
  for (let i = 0; i < 100; i++) gap.arrived((nowMs += 1));
  expect(gap.meanMs).toBeLessThan(1.1);
});

test("arrivals that are seen together count as many, spread over the time since the last", () => {
  const [together, apart] = [new ArrivalGap(), new ArrivalGap()];
  for (let i = 1; i <= 50; i++) together.arrived(8 * i, 8);
  for (let i = 1; i <= 400; i++) apart.arrived(i);
  expect(together.meanMs).toBeCloseTo(apart.meanMs, 6);
});
