import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { projectFolders } from "../src/index.js";

const text = readFileSync(path.join(projectFolders.root, "ARCHITECTURE.md"), "utf8");

test("every step of the path names a file that exists and a function that is in it", () => {
  const steps = [...text.matchAll(/`([\w./-]+\.ts)` -> `(\w+)`/g)];
  expect(steps.length).toBeGreaterThanOrEqual(10);
  for (const [, file = "", name = ""] of steps) {
    const source = path.join(projectFolders.root, file);
    expect(existsSync(source), file).toBe(true);
    expect(readFileSync(source, "utf8"), `${name} in ${file}`).toMatch(new RegExp(`\\b${name}\\b`));
  }
});

test("the table of scripts has every script, and no other", () => {
  const cells = [...text.matchAll(/^\| (`[a-z-]+`(?:, `[a-z-]+`)*) \| /gm)].map(([, cell = ""]) => cell);
  const named = cells.flatMap((cell) => cell.split(", ").map((name) => `${name.replaceAll("`", "")}.lua`));
  const scripts = readdirSync(path.join(projectFolders.root, "broker/lua")).filter((file) => file.endsWith(".lua"));
  expect(named.sort()).toEqual(scripts.sort());
});
