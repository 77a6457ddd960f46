import { closeSync, fstatSync, mkdirSync, openSync, readSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import {
  type AgentEvent,
  type Arming,
  ARMING_FILE,
  EVENTS_FILE,
  FAILPOINTS_VARIABLE,
  type Trial,
} from "./failpoint.js";

/** The harness's side of what it and one process tell each other, by files: nothing is lost when a process is killed. */
export interface ControlFolder {
  /** Variables that put points into the process. */
  readonly env: Readonly<Record<string, string>>;
  /** Counts for the process, and for the one that is started in its place, until the next call. @returns its serial. */
  arm(trials: readonly Trial[]): number;
  /** What was told since the last call. */
  takeEvents(): AgentEvent[];
}

/** The built program, from src/ and from dist/ alike. */
const AGENT = fileURLToPath(new URL("../../dist/failpoints/agent/main.js", import.meta.url));

/** @param folder is made. */
export function createControlFolder(folder: string): ControlFolder {
  mkdirSync(folder, { recursive: true });
  const events = join(folder, EVENTS_FILE);
  writeFileSync(events, "");
  let serial = 0;
  let offset = 0;
  let rest = "";
  const arm = (trials: readonly Trial[]): number => {
    const arming: Arming = { serial: ++serial, trials };
    const file = join(folder, ARMING_FILE);
    writeFileSync(`${file}.part`, JSON.stringify(arming));
    renameSync(`${file}.part`, file);
    return serial;
  };
  arm([]);
  return {
    env: { [FAILPOINTS_VARIABLE]: folder, NODE_OPTIONS: `--import=${pathToFileURL(AGENT).href}` },
    arm,
    takeEvents() {
      const bytes = readFrom(events, offset);
      offset += bytes.length;
      const lines = (rest + bytes.toString("latin1")).split("\n");
      rest = lines.pop() ?? "";
      return lines.map((line) => JSON.parse(line) as AgentEvent);
    },
  };
}

function readFrom(file: string, offset: number): Buffer {
  const descriptor = openSync(file, "r");
  try {
    const bytes = Buffer.alloc(fstatSync(descriptor).size - offset);
    return bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, offset));
  } finally {
    closeSync(descriptor);
  }
}
