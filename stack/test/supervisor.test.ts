import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { expect, test } from "vitest";

import { processIdentity } from "../src/process/process-identity.js";
import { startProcess } from "../src/process/start-process.js";
import { type Launch, supervise, type SupervisorEvent } from "../src/process/supervisor.js";
import { useTemporaryFolder } from "./temporary-folder.js";

const folder = useTemporaryFolder();
const FOREVER = "setInterval(() => {}, 1000);";

function launching(script: string): Launch {
  return () =>
    startProcess({ name: "it", command: process.execPath, args: ["-e", script], logFile: join(folder(), "it.log") });
}

test("a process that is killed is started again, and what happens is told", async () => {
  const events: SupervisorEvent[] = [];
  const it = await supervise(launching(FOREVER), { name: "it", restart: true, onEvent: (event) => events.push(event) });
  const first = it.pid();
  it.kill("SIGKILL");
  await expect.poll(() => it.restarts()).toBe(1);

  const second = it.pid();
  expect(second).not.toBe(first);
  expect(events).toEqual([
    { kind: "died", exit: { code: null, signal: "SIGKILL" }, delayMs: 200 },
    { kind: "restarted", pid: second },
  ]);
  await it.stop();
  expect(it.pid()).toBeUndefined();
  expect(processIdentity(second ?? 0)).toBeUndefined();
});

test("a process that cannot come up is tried again with growing pauses until it can", async () => {
  const events: string[] = [];
  let launches = 0;
  const launch: Launch = (signal) => {
    launches += 1;
    if (launches === 2 || launches === 3) return Promise.reject(new Error(`refused ${launches}`));
    return launching(FOREVER)(signal);
  };
  const tell = (event: SupervisorEvent): void => {
    const what = event.kind === "not-restarted" ? event.error.message : event.kind;
    events.push(event.kind === "restarted" ? what : `${what}, next in ${event.delayMs} ms`);
  };
  const it = await supervise(launch, { name: "it", restart: true, onEvent: tell });
  it.kill("SIGKILL");
  await expect.poll(() => it.restarts(), { timeout: 10_000 }).toBe(1);
  expect(events).toEqual([
    "died, next in 200 ms",
    "refused 2, next in 400 ms",
    "refused 3, next in 800 ms",
    "restarted",
  ]);
  await it.stop();
});

test("a process whose first start fails is not tried again", async () => {
  const launch: Launch = () => Promise.reject(new Error("refused"));
  await expect(supervise(launch, { name: "it", restart: true })).rejects.toThrow("refused");
});

test("a process that is stopped stays dead, also if it is stopped while it waits to be started again", async () => {
  const log = join(folder(), "it.log");
  const it = await supervise(launching(`console.log("started");`), { name: "it", restart: true });
  await expect.poll(() => it.pid(), { timeout: 5_000 }).toBeUndefined();
  await it.stop();
  await it.stop();
  const starts = await readFile(log, "utf8");
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect(await readFile(log, "utf8")).toBe(starts);
});

test("a process stays dead if nobody asked for restarts", async () => {
  const events: SupervisorEvent[] = [];
  const it = await supervise(launching(FOREVER), {
    name: "it",
    restart: false,
    onEvent: (event) => events.push(event),
  });
  it.kill("SIGKILL");
  await expect.poll(() => it.pid()).toBeUndefined();
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect([it.pid(), it.restarts(), events]).toEqual([undefined, 0, []]);
  await it.stop();
});
