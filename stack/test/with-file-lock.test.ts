import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import { expect, test } from "vitest";

import { withFileLock } from "../src/process/with-file-lock.js";
import { useTemporaryFolder } from "./temporary-folder.js";

const folder = useTemporaryFolder();

test("work under one lock never overlaps, and what fails gives the lock back", async () => {
  const file = join(folder(), "set-up.lock");
  const story: string[] = [];
  const work = (name: string) => async (): Promise<void> => {
    story.push(`${name} begins`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    story.push(`${name} ends`);
    if (name === "1") throw new Error("broken");
  };
  const results = await Promise.allSettled(["0", "1", "2", "3"].map((name) => withFileLock(file, work(name))));
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
  expect(story).toHaveLength(8);
  for (let i = 0; i < story.length; i += 2) expect(story[i + 1]).toBe(story[i]?.replace("begins", "ends"));
});

test("a lock whose holder was killed is free", async () => {
  const file = join(folder(), "set-up.lock");
  const holder = spawn("flock", ["--exclusive", file, "sh", "-c", "echo locked; exec sleep 60"], { detached: true });
  await once(holder.stdout, "data");
  let entered = false;
  const waiting = withFileLock(file, async () => {
    entered = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(entered).toBe(false);

  process.kill(-(holder.pid ?? 0), "SIGKILL");
  await waiting;
  expect(entered).toBe(true);
});
