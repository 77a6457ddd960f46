import net from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { freePort, startProcess, waitUntilReady } from "@sluice/stack";

import { type ManagedProcess, manageProcess, type UnplannedExit } from "../managed-process.js";
import { type Execution, readExecutions } from "./execution-log.js";
import type { OracleOptions } from "./oracle-server.js";

/** Its service times. */
export type OracleTimes = Pick<OracleOptions, "baseMs" | "rowMs" | "parallel">;

/** The oracle as a process of its own. */
export interface Oracle extends ManagedProcess {
  readonly port: number;
  executions(): Execution[];
}

/** The built program, from src/ and from dist/ alike. */
const MAIN = fileURLToPath(new URL("../../dist/oracle/main.js", import.meta.url));

/** @param options.dir gets the log of what it ran. */
export async function startOracle(options: {
  readonly dir: string;
  readonly times: OracleTimes;
  readonly onUnplannedExit: (exit: UnplannedExit) => void;
}): Promise<Oracle> {
  const port = await freePort();
  const { baseMs, rowMs, parallel } = options.times;
  const executionFile = join(options.dir, "executions.jsonl");
  const launch = async () => {
    const running = await startProcess({
      name: "oracle",
      command: process.execPath,
      args: [MAIN, String(port), executionFile, String(baseMs), String(rowMs), parallel ? "parallel" : "serial"],
      logFile: join(options.dir, "oracle.log"),
    });
    await waitUntilReady(running, { isReady: () => accepts(port), timeoutMs: 15_000, everyMs: 20 });
    return running;
  };
  const managed = await manageProcess("oracle", launch, options.onUnplannedExit);
  return { ...managed, port, executions: () => readExecutions(executionFile) };
}

async function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: "127.0.0.1", port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
