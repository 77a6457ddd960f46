import { appendFileSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { isMainThread } from "node:worker_threads";

import { type AgentEvent, type Arming, ARMING_FILE, EVENTS_FILE, FAILPOINTS_VARIABLE } from "../failpoint.js";
import { createFailpoints, type Failpoints } from "./failpoints.js";
import { readScriptNames } from "./script-names.js";
import { wrapAnswers } from "./wrap-answers.js";
import { wrapBlobs } from "./wrap-blobs.js";
import { sendHeldBack, type SentStreams, wrapRedis } from "./wrap-redis.js";
import { wrapTriton } from "./wrap-triton.js";

/*
 * Loaded into a role before its own code (`node --import`), so that nothing of failpoints is in the product. What the
 * role imports later are the very modules that are changed here.
 */

const LOOK_EVERY_MS = 50;
const TELL_EVERY_MS = 1_000;

const control = process.env[FAILPOINTS_VARIABLE];
if (control !== undefined && isMainThread) await install(control, dirname(dirname(process.argv[1] ?? "")));

/** @param roleFolder `PROGRAMS/ROLE`. */
async function install(folder: string, roleFolder: string): Promise<void> {
  const { pid } = process;
  const [role, programs] = [basename(roleFolder), dirname(roleFolder)];
  const streams: SentStreams = new Set();
  const tell = (event: AgentEvent): void => appendFileSync(join(folder, EVENTS_FILE), `${JSON.stringify(event)}\n`);
  const points = createFailpoints({
    role,
    pid,
    now: Date.now,
    tell,
    act({ action, point }) {
      if (point.includes(":before:")) sendHeldBack(streams);
      process.kill(pid, action === "kill" ? "SIGKILL" : "SIGSTOP");
    },
  });
  tell({ kind: "begun", pid, atMs: Date.now() });
  const requireFrom = (name: string) => createRequire(join(programs, name, "package.json"));
  const redis = requireFrom("broker")("ioredis") as { readonly Command: Parameters<typeof wrapRedis>[0] };
  wrapRedis(redis.Command, { points, streams, scripts: await readScriptNames(programs) });
  wrapBlobs(resolve(process.env["BLOB_DIR"] ?? ""), points);
  wrapAnswers(points);
  if (role === "gpu-worker") {
    const grpc = requireFrom(role)("@grpc/grpc-js") as { readonly Client: Parameters<typeof wrapTriton>[0] };
    wrapTriton(grpc.Client, points);
  }
  noticeDrain(points);
  follow(join(folder, ARMING_FILE), points);
}

/** A listener of our own would change what SIGTERM does before the role listens. */
function noticeDrain(points: Failpoints): void {
  const emit = process.emit.bind(process) as (...args: unknown[]) => boolean;
  process.emit = ((...args: unknown[]) => {
    if (args[0] === "SIGTERM") points.enter("drain");
    return emit(...args);
  }) as typeof process.emit;
}

/** Takes over what the harness arms, now and later; never keeps the process alive. */
function follow(file: string, points: Failpoints): void {
  const look = (): void => points.arm(JSON.parse(readFileSync(file, "utf8")) as Arming);
  look();
  setInterval(look, LOOK_EVERY_MS).unref();
  setInterval(() => points.tellHits(), TELL_EVERY_MS).unref();
  process.on("exit", () => points.tellHits());
}
