import { expect, test } from "vitest";

import { createProgress } from "../src/progress.js";

/** What a step prints whose work ends as it is told. */
async function printedBy(isTTY: boolean, work: () => Promise<void>): Promise<string> {
  let printed = "";
  const progress = createProgress({ isTTY, write: (text) => (printed += text) });
  await progress.step("Building", work).catch(() => undefined);
  return printed;
}

test("without a terminal a step is a line at its beginning and one at its end, without control characters", async () => {
  expect(await printedBy(false, async () => undefined)).toMatch(
    /^ {2}Building \.\.\.\n {2}Building: done in 0\.0 s\n$/,
  );
});

test("on a terminal a step is one line that is written again", async () => {
  const printed = await printedBy(true, () => new Promise((resolve) => setTimeout(resolve, 1_100)));
  expect(printed.split("\n")).toHaveLength(2);
  const lines = printed.split("\r\x1b[K");
  expect(lines).toContainEqual(expect.stringMatching(/^ {2}Building \.\.\. 1\.\d s$/));
  const last = printed.slice(printed.lastIndexOf("\x1b[K") + 3);
  expect(last).toMatch(/^ {2}Building: done in 1\.\d s\n$/);
});

test("a step that fails says so and fails", async () => {
  const failing = () => Promise.reject(new Error("no"));
  expect(await printedBy(false, failing)).toContain("  Building: failed after 0.0 s\n");
  await expect(createProgress({ write: () => undefined }).step("Building", failing)).rejects.toThrow("no");
});
