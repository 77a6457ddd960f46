import { join, relative } from "node:path";

import type { StartConfig } from "../config.js";
import { isPortFree } from "../free-port.js";
import type { Progress } from "../progress.js";
import { prepareMachine } from "../setup/prepare-machine.js";
import { type Stack, startStack } from "../stack/start-stack.js";
import { choosePorts } from "./choose-ports.js";
import { openRunFile, type RunFile } from "./run-file.js";
import { eventLine, statusScreen } from "./status-screen.js";

/**
 * Sets up what is missing, runs everything, says where it is, and stops it in order when `told` is aborted.
 * @throws SetupError if this machine lacks something; Error if a part does not come up.
 */
export async function runUntilStopped(config: StartConfig, progress: Progress, told: AbortSignal): Promise<void> {
  const startMs = performance.now();
  const runFile = await openRunFile(join(config.dir, "run", "start.json"), (pid) =>
    progress.say(`Ending process ${pid}, which an earlier start left behind.`),
  );
  const toldToStop = new Promise<"stop">((resolve) => told.addEventListener("abort", () => resolve("stop")));
  try {
    // Commands that still install something end with us.
    const prepared = await Promise.race([prepareMachine(config, progress), toldToStop]);
    if (prepared === "stop") return;
    const stack = await start(config, { ...prepared, progress, runFile, told });
    if (stack === undefined) return;
    progress.say(statusScreen(stack, shortPath(stack.logFolder), (performance.now() - startMs) / 1000));
    await toldToStop;
    progress.say("");
    const names = ["api", "batcher", "gpu-worker", stack.triton.process?.name, stack.redis.process?.name];
    await progress.step(`Stopping ${names.filter(Boolean).join(", ")}`, () => stack.stop());
  } finally {
    runFile.remove();
  }
}

interface StartTools {
  readonly redisProgram: string | undefined;
  readonly progress: Progress;
  readonly runFile: RunFile;
  readonly told: AbortSignal;
}

/** Undefined if it was told to stop meanwhile; then nothing runs. */
async function start(config: StartConfig, tools: StartTools): Promise<Stack | undefined> {
  const { progress, runFile, told } = tools;
  const ports = await choosePorts(
    config.ports,
    (part, taken, used) => progress.say(`  Port ${taken} (${part}) is taken: using ${used}.`),
    (port) => isPortFree(port, config.host),
  );
  const logFolder = join(config.dir, "logs");
  let stack: Stack | undefined;
  try {
    stack = await startStack({
      dir: config.dir,
      redisUrl: config.redisUrl,
      redisProgram: tools.redisProgram,
      tritonUrl: config.tritonUrl,
      ports,
      insecure: config.insecure,
      supervise: true,
      onEvent: (name, event) => {
        progress.say(eventLine(name, event, shortPath(logFolder)));
        if (stack !== undefined) runFile.note(pidsOf(stack));
      },
      progress,
      signal: told,
    });
  } catch (error) {
    if (told.aborted) return undefined;
    throw error;
  }
  runFile.note(pidsOf(stack));
  return stack;
}

function pidsOf({ roles, redis, triton }: Stack): number[] {
  const all = [...Object.values(roles).flat(), redis.process, triton.process];
  return all.map((one) => one?.pid()).filter((pid) => pid !== undefined);
}

/** As people would type it in the folder where they are. */
function shortPath(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith("..") ? path : fromHere;
}
