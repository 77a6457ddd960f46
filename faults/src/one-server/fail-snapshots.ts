import { mkdir, rmdir } from "node:fs/promises";
import { join } from "node:path";

import { pause, type Stage, untilTrue } from "../outages/stage.js";
import { withNode } from "../topology/redis-node.js";
import { awaitNotReady, awaitService, blameExits } from "./await-service.js";
import { showRefused } from "./fill-disk.js";
import { judgeRefusals } from "./judge-refusals.js";
import { onlyServer } from "./only-server.js";

/** If there was a write. */
const EVERY_SECOND = "1 1";
/** A snapshot is tried every second, and 5 s after one that failed. */
const NOTICED_MS = 10_000;
const HOLD_MS = 6_000;
const UNDER_WAY_MS = 300;

/**
 * Snapshots fail, for a folder stands where the file should go, and the server refuses every write until one succeeds
 * (`stop-writes-on-bgsave-error`).
 */
export async function failSnapshots(stage: Stage): Promise<void> {
  const server = onlyServer(stage);
  const obstacle = join(server.dir, "dump.rdb");
  const status = () => server.info("persistence", "rdb_last_bgsave_status");
  await pause(1_000);
  stage.mayRepeat("the server refused what workers had done");
  await mkdir(obstacle);
  await withNode(server, (redis) => redis.config("SET", "save", EVERY_SECOND));
  if ((await untilTrue(async () => (await status()) === "err", NOTICED_MS)) === undefined) {
    stage.blame("no snapshot failed");
  }
  const span = { fromMs: Date.now() + UNDER_WAY_MS, toMs: 0 };
  await awaitNotReady(stage, /snapshot/);
  await pause(HOLD_MS);
  span.toMs = Date.now();
  await showRefused(stage);
  judgeRefusals(stage, span, ["storage-unavailable"]);
  await rmdir(obstacle);
  if ((await untilTrue(async () => (await status()) === "ok", NOTICED_MS)) === undefined) {
    stage.blame("no snapshot succeeded again");
  }
  await awaitService(stage, Date.now());
  blameExits(stage);
}
