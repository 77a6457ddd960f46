import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { expect, test } from "vitest";

import { processIdentity } from "../src/process/process-identity.js";
import { startProcess } from "../src/process/start-process.js";
import { waitUntilReady } from "../src/process/wait-until-ready.js";
import { useTemporaryFolder } from "./temporary-folder.js";

const folder = useTemporaryFolder();

/** Runs a script of a few words with Node. */
async function startScript(script: string) {
  const logFile = join(folder(), "logs", "script.log");
  return startProcess({ name: "script", command: process.execPath, args: ["-e", script], logFile });
}

const logOf = async (logFile: string): Promise<string> => readFile(logFile, "utf8");

test("a process that is told to stop ends by itself and is told only once", async () => {
  const running = await startScript(`
    process.on("SIGTERM", () => { console.log("told"); setTimeout(() => process.exit(7), 100); });
    setInterval(() => {}, 1000);
    console.log("up");`);
  await waitUntilReady(running, { isReady: async () => (await logOf(running.logFile)) === "up\n", timeoutMs: 10_000 });

  await Promise.all([running.stop(), running.stop()]);
  await running.stop();
  expect(await running.exited).toEqual({ code: 7, signal: null });
  expect(await logOf(running.logFile)).toBe("up\ntold\n");
});

test("a process that does not want to stop is killed when its time is over", async () => {
  const running = await startScript(`process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); console.log("up");`);
  await waitUntilReady(running, { isReady: async () => (await logOf(running.logFile)) === "up\n", timeoutMs: 10_000 });
  await running.stop(100);
  expect(await running.exited).toEqual({ code: null, signal: "SIGKILL" });
});

test("with a process that is killed end the processes that it started", async () => {
  const running = await startScript(`
    const child = require("child_process").spawn("sleep", ["60"]);
    console.log(child.pid);
    setInterval(() => {}, 1000);`);
  await expect.poll(() => logOf(running.logFile), { timeout: 10_000 }).toMatch(/\n/);
  const child = Number(await logOf(running.logFile));
  expect(processIdentity(child)).toBeDefined();

  running.kill("SIGKILL");
  await running.exited;
  await expect.poll(() => processIdentity(child), { timeout: 2_000 }).toBeUndefined();
});

test("a process that ends before it is ready is an error with the end of its log", async () => {
  const running = await startScript(`console.log("first line"); console.log("no luck"); process.exit(3);`);
  await expect(waitUntilReady(running, { isReady: async () => false, timeoutMs: 10_000 })).rejects.toThrow(
    `script ended with code 3 before it was ready. The end of ${running.logFile}:\n  first line\n  no luck`,
  );
});

test("a process that is not ready in time is stopped, and so is one that nobody wants any more", async () => {
  const late = await startScript(`setInterval(() => {}, 1000);`);
  await expect(waitUntilReady(late, { isReady: async () => false, timeoutMs: 200 })).rejects.toThrow("was not ready");
  expect(processIdentity(late.pid)).toBeUndefined();

  const unwanted = await startScript(`setInterval(() => {}, 1000);`);
  const aborted = { isReady: async () => false, timeoutMs: 60_000, signal: AbortSignal.timeout(100) };
  await expect(waitUntilReady(unwanted, aborted)).rejects.toThrow("was stopped before it was ready");
  expect(processIdentity(unwanted.pid)).toBeUndefined();
});

test("a command that does not exist is an error that names it", async () => {
  const start = startProcess({ name: "nothing", command: "no-such-command", args: [], logFile: join(folder(), "log") });
  await expect(start).rejects.toThrow("nothing: no-such-command cannot be run");
});
