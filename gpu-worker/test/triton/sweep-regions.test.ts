import { existsSync, utimesSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { afterEach, expect, test } from "vitest";
import {
  createRegionOwner,
  formatRegionName,
  isOwnerAlive,
  parseRegionName,
  type RegionOwner,
} from "../../src/triton/shared-memory/region-name.js";
import { sweepRegionFiles, sweepRegistrations } from "../../src/triton/shared-memory/sweep-regions.js";

const made: string[] = [];
afterEach(async () => {
  for (const name of made.splice(0)) await rm(join("/dev/shm", name), { force: true });
});

function makeFile(owner: RegionOwner, ageMs = 0): string {
  const name = formatRegionName(owner, 0);
  made.push(name);
  writeFileSync(join("/dev/shm", name), "");
  const time = new Date(Date.now() - ageMs);
  utimesSync(join("/dev/shm", name), time, time);
  return name;
}

const own = createRegionOwner();
const random = () => createRegionOwner().random;
const hour = 3_600_000;

test("a name tells its owner, and other names tell none", () => {
  expect(parseRegionName(formatRegionName(own, 17))).toEqual(own);
  for (const name of ["", "sluice-tensors-1", "sluice-triton-8001-x", `${formatRegionName(own, 1)}.bak`]) {
    expect(parseRegionName(name)).toBeUndefined();
  }
});

test("a process lives only with the time at which it began", () => {
  const gone = spawnSync("true").pid;
  expect(isOwnerAlive(own)).toBe(true);
  expect(isOwnerAlive({ ...own, startTicks: "1" })).toBe(false);
  expect(isOwnerAlive({ ...own, pid: gone })).toBe(false);
  expect(isOwnerAlive({ ...own, pidNamespace: "1" })).toBeUndefined();
});

test("files of processes that have ended go, and those of another namespace when they were not touched for a minute", async () => {
  const stays = [
    makeFile({ ...own, random: random() }, hour),
    makeFile({ ...own, random: random(), pidNamespace: "1" }, 30_000),
  ];
  const goes = [
    makeFile({ ...own, random: random(), startTicks: "1" }),
    makeFile({ ...own, random: random(), pidNamespace: "1" }, 61_000),
  ];
  await sweepRegionFiles(Date.now());
  const there = (names: string[]) => names.map((name) => existsSync(join("/dev/shm", name)));
  expect([there(stays), there(goes)]).toEqual([
    [true, true],
    [false, false],
  ]);
});

test("a Triton forgets regions of ours without a file, and nobody else's", async () => {
  const kept = makeFile({ ...own, random: random() });
  const lost = formatRegionName({ ...own, random: random() }, 0);
  const names = [kept, lost, "somebody-else"];
  const known = new Map(names.map((name) => [name, { name, key: `/${name}`, offset: 0, byteSize: 1 }]));
  const forgotten: string[] = [];
  const client = {
    sharedMemoryStatus: () => Promise.resolve(known),
    sharedMemoryUnregister: (name: string) => Promise.resolve(void forgotten.push(name)),
  };
  expect(await sweepRegistrations(client, 1_000)).toEqual([lost]);
  expect(forgotten).toEqual([lost]);
});
