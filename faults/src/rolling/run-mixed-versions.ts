import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { DEFAULT_ZONE, formatLane, keys, listDeadLetters, SHARD_COUNT } from "@sluice/broker";

import { SLOTS } from "../campaign/campaign-options.js";
import { untilQuiet } from "../campaign/run-campaign.js";
import { startWorld, type World } from "../campaign/start-world.js";
import { inspectRedis } from "../check/inspect-redis.js";
import { judgeTasks } from "../check/judge-tasks.js";
import { createApiClient } from "../client/api-client.js";
import { type Clients, createClients } from "../client/run-clients.js";
import { ORACLE_MODEL } from "../oracle/oracle-model.js";
import { copyPrograms } from "../roles/copy-programs.js";
import { type Fleet, startFleet } from "../roles/start-fleet.js";
import { NEXT_VERSION } from "./next-version.js";

/** One process of each role in each of two versions, side by side. */
export interface MixedOptions {
  readonly seed: string;
  /** Through the api of each version. */
  readonly tasks: number;
  /** Gets data, programs and logs; must be empty. */
  readonly dir: string;
  readonly say: (line: string) => void;
}

/** What came of it. */
export interface MixedResult {
  readonly accepted: number;
  /** Ready entries of the new version that lay untouched with the old batcher. */
  readonly leftByOld: number;
  /** From the end of the old batcher until everything had ended, ms; undefined if it never did. */
  readonly finishedMs: number | undefined;
  readonly broken: readonly string[];
}

const ONE = { api: 1, batcher: 1, "gpu-worker": 1 } as const;
/** Runs whose notice a worker of the other version took away come back after it. */
const LEASE_MS = 1_000;
/** Owners look at all that is pending in their shards every 5 s; by then they have seen what they cannot read. */
const WALKED_MS = 6_000;
const GIVE_UP_MS = 60_000;

/**
 * Tasks through the apis of both versions, while batchers and workers of both take each other's notices; then the old
 * batcher goes, and what it could not read is finished by the new one.
 */
export async function runMixedVersions(options: MixedOptions): Promise<MixedResult> {
  const { seed, tasks, dir, say } = options;
  const unplanned: string[] = [];
  const settings = { lease_ms: String(LEASE_MS) };
  const world = await startWorld({ topology: "S", seed, tasks: 0, kills: 0, counts: ONE, settings, dir, say });
  let next: Fleet | undefined;
  let over = false;
  const all: { clients: Clients; close(): void }[] = [];
  const clientsOf = (name: string, fleet: Fleet): Clients => {
    const api = createApiClient(() => fleet.ofRole("api")[0]?.link?.port ?? 0);
    const clients = createClients(`${seed}-${name}`, { api, now: Date.now, sleep, isOver: () => over });
    all.push({ clients, close: () => api.close() });
    return clients;
  };
  try {
    next = await startNext(join(dir, "next"), world, ({ name }) => unplanned.push(name));
    const old = clientsOf("old", world.fleet);
    const newer = clientsOf("new", next);
    const startMs = Date.now();
    await Promise.all([old.submit(tasks, 60), newer.submit(tasks, 60)]);
    await untilEnded(old);
    await sleep(Math.max(0, startMs + WALKED_MS - Date.now()));
    const leftByOld = await countReady(world);
    const finishedBefore = newer.entries.length - newer.openCount();
    say(`old: ${old.openCount()} open; new: ${newer.openCount()} open, ${leftByOld} entries left by the old batcher`);
    await world.fleet.ofRole("batcher")[0]?.terminate(10_000);
    const goneMs = Date.now();
    const quiet = (await untilQuiet(world, old, GIVE_UP_MS)) && (await untilQuiet(world, newer, GIVE_UP_MS));
    const finishedMs = quiet ? Date.now() - goneMs : undefined;
    for (const { clients } of all) await clients.readAllAgain();
    const broken = [
      ...(await judge(
        world,
        all.map(({ clients }) => clients),
      )),
      ...(leftByOld === 0 ? ["control: the old batcher never met an entry of the new version"] : []),
      ...(finishedBefore === 0 ? ["stuck: nothing of the new api ended side by side"] : []),
      ...[...unplanned, ...world.unplannedExits.map(({ name }) => name)].map((name) => `crash: ${name}`),
    ];
    const accepted = all.flatMap(({ clients }) => clients.entries).filter(({ outcome }) => outcome === "ok").length;
    return { accepted, leftByOld, finishedMs, broken };
  } finally {
    over = true;
    for (const one of all) one.close();
    await next?.stop();
    await world.stop();
  }
}

async function startNext(
  dir: string,
  { topology, oracle }: World,
  onUnplannedExit: (exit: { readonly name: string }) => void,
): Promise<Fleet> {
  await mkdir(dir, { recursive: true });
  await copyPrograms(join(dir, "programs"), NEXT_VERSION);
  const env = { SLOTS: String(SLOTS) };
  return startFleet({ dir, topology, oraclePort: oracle.port, counts: ONE, env, onUnplannedExit });
}

async function untilEnded(clients: Clients): Promise<void> {
  for (const endMs = Date.now() + GIVE_UP_MS; clients.openCount() > 0 && Date.now() < endMs;) await sleep(100);
}

/** Entries in the ready streams of the oracle's model. */
async function countReady({ redis }: World): Promise<number> {
  const { name: model, version } = ORACLE_MODEL;
  const lane = formatLane({ model, version, zone: DEFAULT_ZONE, batchClass: "now" });
  const lengths = await Promise.all(
    Array.from({ length: SHARD_COUNT }, (_, shard) => redis.xlen(keys.ready(shard, lane))),
  );
  return lengths.reduce((sum, length) => sum + length, 0);
}

async function judge({ redis, topology }: World, all: readonly Clients[]): Promise<string[]> {
  const violations = all.flatMap(({ entries }) => judgeTasks(entries, { workerDeathsMs: [], earlyMs: 0 }));
  const buried = (await listDeadLetters(redis)).filter(({ failure }) => failure.code === "entry-malformed");
  const { busyStreams } = await inspectRedis(topology);
  return [
    ...violations.map(({ invariant, detail }) => `${invariant}: ${detail}`),
    ...buried.map(({ entryId }) => `dead letter: entry ${entryId} of another version`),
    ...busyStreams.map((detail) => `residue: ${detail}`),
  ];
}
