import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { parseSettings, SETTING_NAMES, settingText } from "@sluice/broker";
import { describe, expect, test } from "vitest";
import { parseConfig as readApiConfig } from "../../api/src/config.js";
import { connectionLimit, openFilesLimit } from "../../api/src/http/connection-limit.js";
import { readConfig as readBatcherConfig } from "../../batcher/src/config.js";
import { readConfig as readWorkerConfig } from "../../gpu-worker/src/config.js";
import { readConfig as readStartConfig } from "../src/config.js";
import { projectFolders } from "../src/index.js";

const readme = readFileSync(path.join(projectFolders.root, "README.md"), "utf8");
const section = readme.split("\n## ").at(-1) ?? "";

/** Who reads variables. */
const READERS = {
  api: readApiConfig,
  batcher: readBatcherConfig,
  "gpu-worker": readWorkerConfig,
  "npm start": readStartConfig,
} as const;
type Reader = keyof typeof READERS;

/** Defaults that depend on the machine, by the words of the table. */
const MEASURED: Readonly<Record<string, () => string>> = {
  "number of cores": () => String(availableParallelism()),
  "open files - 256": () => String(connectionLimit(openFilesLimit())),
};

const rows = [...section.matchAll(/^\| `([A-Z0-9_]+)` \| ([^|]+) \| ([^|]+) \|/gm)].flatMap(
  ([, variable = "", readers = "", shown = ""]) =>
    readers.split(", ").map((reader) => ({ variable, reader: reader as Reader, shown: shown.replaceAll("`", "") })),
);

describe("the table of variables in README", () => {
  test.each(rows)("$variable of $reader: the default is $shown", ({ variable, reader, shown }) => {
    const config = READERS[reader];
    const value = MEASURED[shown]?.() ?? (shown === "none" ? "" : shown);
    // Where a second variable gives it a meaning.
    const around = variable === "DURABILITY_REPLICAS" ? { DURABILITY: "replicated" } : {};
    expect(config({ ...around, [variable]: value })).toEqual(config(around));
  });

  test.each(Object.entries(READERS))("has every variable that %s reads, and no other", (reader, config) => {
    const inCode = new Set<string>();
    const noting = new Proxy<Record<string, string | undefined>>(
      {},
      {
        get(_target, name) {
          if (typeof name === "string" && /^[A-Z0-9_]+$/.test(name)) inCode.add(name);
          return undefined;
        },
      },
    );
    config(noting);
    const documented = rows.filter((row) => row.reader === reader).map((row) => row.variable);
    // What it reads of the roles' variables stands in their rows.
    const ofRoles = reader === "npm start" ? ["REDIS_URL", "TRITON_URL", "HOST", "PORT"] : [];
    expect([...inCode].sort()).toEqual([...documented, ...ofRoles].sort());
  });

  test("`npm start` starts the metrics where it says", () => {
    const { ports } = readStartConfig({});
    const shown = [...section.matchAll(/^\| `METRICS_PORT` \| ([a-z-]+) \|.*\| (\d+), or the next free one \|$/gm)];
    expect(shown.map(([, role = "", port]) => [role, Number(port)])).toEqual([
      ["batcher", ports.batcher],
      ["gpu-worker", ports["gpu-worker"]],
    ]);
  });
});

test("README has every live setting, with its default", () => {
  const shown = [...section.matchAll(/^\| `([a-z_.]+)` \| `([^`]*)` \| /gm)].map(([, name, value]) => [name, value]);
  expect(shown.sort()).toEqual(SETTING_NAMES.map((name) => [name, settingText({}, { name, model: undefined })]).sort());
});

test("every live setting that README names exists", () => {
  const named = [...section.matchAll(/`((?:[a-z]+\.)?[a-z]+_[a-z_]+)`/g)].map(([, name = ""]) => name);
  expect(named.length).toBeGreaterThanOrEqual(9);
  const problemOf = (name: string) => {
    try {
      parseSettings({ [name]: "a bad value" });
    } catch (error) {
      return String(error);
    }
    return "none";
  };
  for (const name of named) expect(problemOf(name)).not.toContain("no such setting");
  expect(problemOf("no.such_name")).toContain("no such setting");
});
