import { expect, test } from "vitest";
import { RecentBatches } from "../src/recent-batches.js";

test("the latest 32 batches of a lane are added up, and no others", () => {
  const recent = new RecentBatches();
  expect(recent.of("a")).toEqual({ rows: 0, waitMs: 0, reasons: {} });
  for (let i = 0; i < 10; i++) recent.published("a", { size: 100, reason: "due", waitMs: 50 });
  for (let i = 0; i < 31; i++) recent.published("a", { size: 2, reason: "full", waitMs: 1 });
  recent.published("b", { size: 7, reason: "drain", waitMs: 3 });
  expect(recent.of("a")).toEqual({ rows: 162, waitMs: 81, reasons: { due: 1, full: 31 } });
  expect(recent.of("b")).toEqual({ rows: 7, waitMs: 3, reasons: { drain: 1 } });
});
