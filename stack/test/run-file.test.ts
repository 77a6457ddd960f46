import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect, test } from "vitest";

import { processIdentity } from "../src/process/process-identity.js";
import { startProcess } from "../src/process/start-process.js";
import { openRunFile } from "../src/start/run-file.js";
import { useTemporaryFolder } from "./temporary-folder.js";

const folder = useTemporaryFolder();
const fileName = (): string => join(folder(), "run", "start.json");

test("what a killed start left behind is ended by the next one", async () => {
  const leftOver = await startProcess({
    name: "sleep",
    command: "sleep",
    args: ["60"],
    logFile: join(folder(), "log"),
  });
  const first = await openRunFile(fileName(), () => undefined);
  first.note([leftOver.pid]);
  // As if the process that wrote it were dead.
  const note = JSON.parse(await readFile(fileName(), "utf8")) as { main: object; children: object[] };
  await writeFile(fileName(), JSON.stringify({ ...note, main: { ...note.main, identity: "before" } }));

  const ended: number[] = [];
  const second = await openRunFile(fileName(), (pid) => ended.push(pid));
  expect(ended).toEqual([leftOver.pid]);
  expect(await leftOver.exited).toEqual({ code: null, signal: "SIGTERM" });
  second.remove();
  expect(existsSync(fileName())).toBe(false);
});

test("a process that only has the number of one that was left behind is not touched", async () => {
  const other = await startProcess({ name: "sleep", command: "sleep", args: ["60"], logFile: join(folder(), "log") });
  await openRunFile(fileName(), () => undefined);
  const dead = { pid: other.pid, identity: "before" };
  await writeFile(fileName(), JSON.stringify({ main: dead, children: [dead] }));

  const ended: number[] = [];
  await openRunFile(fileName(), (pid) => ended.push(pid));
  expect(ended).toEqual([]);
  expect(processIdentity(other.pid)).toBeDefined();
  await other.stop();
});

test("a folder in which somebody runs is refused", async () => {
  await openRunFile(fileName(), () => undefined);
  await expect(openRunFile(fileName(), () => undefined)).rejects.toThrow(
    `Sluice runs here already, as process ${process.pid}: stop it first (Ctrl-C there, or kill ${process.pid}).`,
  );
});
