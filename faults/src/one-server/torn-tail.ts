import { appendFile, readdir, readFile, truncate } from "node:fs/promises";
import { join } from "node:path";

import { pause, type Stage, untilTrue } from "../outages/stage.js";
import type { RedisNode } from "../topology/redis-node.js";
import { awaitService, blameExits } from "./await-service.js";
import { onlyServer } from "./only-server.js";

/** What may stand at the end of a log when the machine stops: a command whose end has not reached the disk. */
const TORN_RECORDS: readonly string[] = [
  "*3\r\n$3\r\nSET\r\n$20\r\nsluice:{q:0}:t",
  "*1\r\n$5\r\nMULTI\r\n*4\r\n$4\r\nHSET\r\n$8\r\nsluice:x\r\n$1\r\na\r\n$1\r\nb\r\n",
];
const CUT_BYTES = 7;
/** Keys that hold something of a task. */
const OF_A_TASK = /\{q:\d+\}:(?:task|run|digest|ready|dead|key)/;

/**
 * The server is killed under load, and its log ends in the middle of a record: twice of one that nobody was told
 * about, and once the last one is cut short, a moment of silence after all tasks had ended, when it is a heartbeat. To
 * cut a record of a task would be to lose what the disk had confirmed.
 */
export async function tearTail(stage: Stage): Promise<void> {
  const server = onlyServer(stage);
  for (const record of TORN_RECORDS) {
    await pause(1_500);
    await restartTorn(stage, server, (file) => appendFile(file, record));
  }
  const load = 60;
  stage.setLoad(0);
  await untilTrue(() => stage.clients.openCount() === 0, 20_000);
  await pause(1_500);
  await restartTorn(stage, server, async (file) => {
    const text = await readFile(file, "latin1");
    const last = lastRecord(text);
    if (OF_A_TASK.test(last)) stage.blame("the last record is of a task: it was not cut");
    else await truncate(file, text.length - CUT_BYTES);
  });
  stage.setLoad(load);
  await awaitService(stage, Date.now());
  blameExits(stage);
}

async function restartTorn(stage: Stage, server: RedisNode, tear: (file: string) => Promise<void>): Promise<void> {
  const before = await tornLoads(server);
  await stage.measure("killed, and its log torn", [server]);
  await server.kill();
  await tear(await newestLog(server));
  await server.restart();
  const tears = (await tornLoads(server)) - before;
  stage.show(`the log was loaded with ${tears} torn record at its end`);
  if (tears !== 1) stage.blame(`the server saw ${tears} torn records`);
}

/** How often the server has said that the end of its log is missing, and that it loads the rest. */
async function tornLoads({ dir }: RedisNode): Promise<number> {
  const text = await readFile(join(dir, "redis.log"), "utf8");
  return text.split("loaded anyway because aof-load-truncated is enabled").length - 1;
}

async function newestLog({ dir }: RedisNode): Promise<string> {
  const folder = join(dir, "appendonlydir");
  const numberOf = (name: string): number => Number(/\.(\d+)\.incr\.aof$/.exec(name)?.[1] ?? -1);
  const [newest] = (await readdir(folder)).sort((a, b) => numberOf(b) - numberOf(a));
  if (newest === undefined || numberOf(newest) < 0) throw new Error("the server has no log");
  return join(folder, newest);
}

/** The last command of a log; of a transaction all of it, for it is dropped as a whole. */
function lastRecord(text: string): string {
  const transaction = text.endsWith("$4\r\nEXEC\r\n") || text.endsWith("$4\r\nexec\r\n");
  const begins = transaction ? Math.max(text.lastIndexOf("\r\nMULTI\r\n"), text.lastIndexOf("\r\nmulti\r\n")) : -1;
  return text.slice(Math.max(begins, transaction ? 0 : text.lastIndexOf("\r\n*")));
}
