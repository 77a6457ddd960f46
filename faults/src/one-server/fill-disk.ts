import { countErrors } from "../check/error-counts.js";
import { pause, type Stage, untilTrue } from "../outages/stage.js";
import { awaitNotReady, awaitService, blameExits } from "./await-service.js";
import { judgeRefusals } from "./judge-refusals.js";
import { onlyServer } from "./only-server.js";
import type { SmallDisk } from "./small-disk.js";

const NOTICED_MS = 10_000;
/** Longer than the lease of a shard, and than slots are believed alive: everything has to be taken up again. */
const HOLD_MS = 6_000;
/** A submission that is being answered when the server begins to refuse. */
const UNDER_WAY_MS = 300;

/** The disk of the log is full for a while: the server refuses every write (`MISCONF`), and goes on by itself. */
export async function fillDisk(stage: Stage, disk: SmallDisk): Promise<void> {
  const server = onlyServer(stage);
  await pause(1_500);
  stage.mayRepeat("the server refused what workers had done");
  const fillerBytes = await disk.fill();
  const status = () => server.info("persistence", "aof_last_write_status");
  const fullMs = await untilTrue(async () => (await status()) === "err", NOTICED_MS);
  if (fullMs === undefined) stage.blame("the server could write its log all the same");
  stage.show(`${Math.round(fillerBytes / 1_024)} KiB filled the disk; the server noticed ${fullMs} ms after`);
  const span = { fromMs: Date.now() + UNDER_WAY_MS, toMs: 0 };
  await awaitNotReady(stage, /log/);
  await pause(HOLD_MS);
  span.toMs = Date.now();
  await showRefused(stage);
  judgeRefusals(stage, span, ["storage-unavailable"]);
  await disk.free();
  const freeMs = Date.now();
  if ((await untilTrue(async () => (await status()) === "ok", NOTICED_MS)) === undefined) {
    stage.blame("the server does not write its log again");
  }
  stage.show(`the server wrote again ${Date.now() - freeMs} ms after the disk had room`);
  await awaitService(stage, Date.now());
  blameExits(stage);
}

/** The server itself gives up on a full disk where each write must be on it before it is answered. */
export async function fillDiskUntilExit(stage: Stage, disk: SmallDisk): Promise<void> {
  const server = onlyServer(stage);
  await pause(1_500);
  await stage.measure("the server ended on a full disk", [server]);
  await disk.fill();
  const isGone = () =>
    server.command("PING").then(
      () => false,
      () => true,
    );
  if ((await untilTrue(isGone, NOTICED_MS)) === undefined) stage.blame("the server did not end");
  await server.kill();
  await pause(HOLD_MS);
  await disk.free();
  await server.restart();
  await awaitService(stage, Date.now());
  blameExits(stage);
}

/** Shows how often the server refused a write; blames the fault if it never did. */
export async function showRefused(stage: Stage): Promise<void> {
  const { MISCONF: refused = 0 } = await countErrors(stage.world.topology.nodes);
  stage.show(`the server answered MISCONF ${refused} times`);
  if (refused === 0) stage.blame("the server refused nothing");
}
