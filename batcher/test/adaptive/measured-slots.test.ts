import { expect, test } from "vitest";

import { MeasuredSlots } from "../../src/adaptive/measured-slots.js";

const SETTLED = 20;

test("slots count as they are until something was measured", () => {
  expect(new MeasuredSlots().among(4)).toBe(4);
});

test("new slots count as service times come to show them, lost ones at once", () => {
  const measured = new MeasuredSlots();
  for (let i = 0; i < SETTLED; i++) measured.observe(2);
  expect(measured.among(4)).toBe(2);
  for (let i = 0; i < SETTLED; i++) measured.observe(4);
  expect(measured.among(4)).toBeGreaterThan(3);
  expect(measured.among(4)).toBeLessThan(4);
  expect(measured.among(1)).toBe(1);
});

test("a pool that looks empty for a moment changes nothing", () => {
  const measured = new MeasuredSlots();
  measured.observe(1);
  measured.observe(0);
  expect(measured.among(1)).toBe(1);
});
