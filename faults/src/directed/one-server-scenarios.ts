import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { changePolicy } from "../one-server/change-policy.js";
import { churnNames, FORGET_SOON } from "../one-server/churn-names.js";
import { deleteNotices } from "../one-server/delete-notices.js";
import { deleteReady } from "../one-server/delete-ready.js";
import { failSnapshots } from "../one-server/fail-snapshots.js";
import { fillDisk, fillDiskUntilExit } from "../one-server/fill-disk.js";
import { flushAll } from "../one-server/flush-all.js";
import { hoardEntries } from "../one-server/hoard-entries.js";
import { loadSlowly } from "../one-server/load-slowly.js";
import { loseGroups } from "../one-server/lose-groups.js";
import { lacksSmallDisk, withSmallDisk } from "../one-server/small-disk.js";
import { tearTail } from "../one-server/torn-tail.js";
import { type Outage, type OutageRun, runOutage } from "../outages/run-outage.js";
import type { DirectedOutcome, DirectedScenario } from "./directed-scenario.js";

const PER_SECOND = 60;
const ALWAYS = ["--appendfsync", "always"] as const;
const DISK_MIB = 24;
const FAST = { baseMs: 5, rowMs: 0.05, parallel: true } as const;

/** What happens to the one server of `S`. */
export const ONE_SERVER_SCENARIOS: readonly DirectedScenario[] = [
  {
    name: "the log ends in the middle of a record",
    topology: "S",
    run: (run) => act(run, { world: { server: { args: ALWAYS }, env: { DURABILITY: "fsync" } }, act: tearTail }),
  },
  {
    name: "the disk of the log is full for a while",
    topology: "S",
    lacks: lacksSmallDisk,
    run: (run) =>
      withSmallDisk(dataFolder(run), DISK_MIB, (disk) => act(run, { act: (stage) => fillDisk(stage, disk) })),
  },
  {
    name: "the disk of the log is full and the server ends, for each write must be on it",
    topology: "S",
    lacks: lacksSmallDisk,
    run: (run) =>
      withSmallDisk(dataFolder(run), DISK_MIB, (disk) =>
        act(run, {
          world: { server: { args: ALWAYS }, env: { DURABILITY: "fsync" } },
          act: (stage) => fillDiskUntilExit(stage, disk),
        }),
      ),
  },
  {
    name: "snapshots fail for a while",
    topology: "S",
    run: (run) => act(run, { act: failSnapshots }),
  },
  {
    name: "the server loads for ten seconds after its death",
    topology: "S",
    run: runSlowLoad,
  },
  { name: "FLUSHALL under load", topology: "S", run: (run) => act(run, { act: flushAll }) },
  {
    name: "the groups of all streams are destroyed, and set back to 0",
    topology: "S",
    run: (run) => act(run, { act: loseGroups }),
  },
  { name: "the ready streams are deleted", topology: "S", run: (run) => act(run, { act: deleteReady }) },
  { name: "the streams of notices are deleted", topology: "S", run: (run) => act(run, { act: deleteNotices }) },
  {
    name: "10,000 entries are pending for a consumer that never acknowledges",
    topology: "S",
    run: (run) => act(run, { world: { oracle: FAST }, act: hoardEntries }),
  },
  {
    name: "the names of 200 boots are left in every group",
    topology: "S",
    run: (run) => act(run, { world: { patches: FORGET_SOON }, act: churnNames }),
  },
  {
    name: "the server is told to throw keys away when it is full",
    topology: "S",
    run: (run) => act(run, { act: changePolicy }),
  },
];

type OneServerOutage = Pick<Outage, "act" | "plan"> & { readonly world?: Omit<Outage["world"], "topology"> };

function act(run: OutageRun, { world, ...outage }: OneServerOutage): Promise<DirectedOutcome> {
  return runOutage({ name: "", perSecond: PER_SECOND, world: { topology: "S", ...world }, ...outage }, run);
}

async function runSlowLoad(run: OutageRun): Promise<DirectedOutcome> {
  const configFile = join(run.dir, "redis.conf");
  await mkdir(run.dir, { recursive: true });
  await writeFile(configFile, "");
  return act(run, { world: { server: { configFile } }, act: (stage) => loadSlowly(stage, configFile) });
}

/** Where the one server keeps its data. */
function dataFolder({ dir }: OutageRun): string {
  return join(dir, "redis", "redis");
}
