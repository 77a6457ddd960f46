import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { pictureRows } from "../../src/simulator/picture.js";
import { plotRows } from "../../src/simulator/report.js";

test("the picture that README shows is what the simulator draws", { timeout: 120_000 }, async () => {
  const shown = await readFile(new URL("../../simulated.svg", import.meta.url), "utf8");
  const drawn = plotRows(pictureRows("5 + 0.25 b ms")).match(/<polyline[^>]*>/g) ?? [];
  // Four policies in four charts. If this fails: npm run simulate -- --picture batcher/simulated.svg
  expect(drawn).toHaveLength(16);
  for (const line of drawn) expect(shown).toContain(line);
});
