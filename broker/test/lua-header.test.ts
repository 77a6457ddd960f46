import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { admitScript } from "../src/scripts/admit.js";
import { announceBatcherScript } from "../src/scripts/announce-batcher.js";
import { buryEntriesScript } from "../src/scripts/bury-entries.js";
import { cancelScript } from "../src/scripts/cancel.js";
import { changeSettingScript } from "../src/scripts/change-setting.js";
import { claimIdempotencyScript } from "../src/scripts/claim-idempotency.js";
import { claimScript } from "../src/scripts/claim.js";
import { confirmIdempotencyScript } from "../src/scripts/confirm-idempotency.js";
import { dropIdleConsumersScript } from "../src/scripts/drop-idle-consumers.js";
import { dropLaneScript } from "../src/scripts/drop-lane.js";
import { ensureGroupScript } from "../src/scripts/ensure-group.js";
import { expireScript } from "../src/scripts/expire.js";
import { finishBatchScript } from "../src/scripts/finish-batch.js";
import { heartbeatScript } from "../src/scripts/heartbeat.js";
import { joinZonesScript } from "../src/scripts/join-zones.js";
import { liveSlotsScript } from "../src/scripts/live-slots.js";
import { loadLua } from "../src/scripts/load-lua.js";
import { lookUpScript } from "../src/scripts/look-up.js";
import { openLaneScript } from "../src/scripts/open-lane.js";
import { ownShardScript } from "../src/scripts/own-shard.js";
import { publishBatchScript } from "../src/scripts/publish-batch.js";
import { readTaskScript } from "../src/scripts/read-task.js";
import { releaseIdempotencyScript } from "../src/scripts/release-idempotency.js";
import { settleScript } from "../src/scripts/settle.js";
import { takeTokensScript } from "../src/scripts/take-tokens.js";
import { touchScript } from "../src/scripts/touch.js";
import { unclaimScript } from "../src/scripts/unclaim.js";

const scripts = [
  admitScript,
  announceBatcherScript,
  buryEntriesScript,
  cancelScript,
  changeSettingScript,
  claimIdempotencyScript,
  claimScript,
  confirmIdempotencyScript,
  dropIdleConsumersScript,
  dropLaneScript,
  ensureGroupScript,
  expireScript,
  finishBatchScript,
  heartbeatScript,
  joinZonesScript,
  liveSlotsScript,
  lookUpScript,
  openLaneScript,
  ownShardScript,
  publishBatchScript,
  readTaskScript,
  releaseIdempotencyScript,
  settleScript,
  takeTokensScript,
  touchScript,
  unclaimScript,
];

const folder = new URL("../lua/", import.meta.url);
const read = (file: string) => readFileSync(new URL(file, folder), "utf8");

/** The names after `-- KEYS:` or `-- ARGV:`, over all lines of that paragraph, without what stands in brackets. */
function declared(text: string, list: "KEYS" | "ARGV"): string[] {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => line.startsWith(`-- ${list}: `));
  const rest = lines.slice(start + 1);
  const length = rest.findIndex((line) => !/^--\s{2,}/.test(line));
  const paragraph = [lines[start]?.slice(`-- ${list}: `.length), ...rest.slice(0, length).map((line) => line.slice(2))];
  const names = paragraph
    .join(" ")
    .replace(/\([^)]*\)/gs, "")
    .split(",");
  return names.map((name) => name.trim()).filter((name) => name !== "");
}

describe("Lua scripts and their wrappers", () => {
  test("every script has a wrapper, and every wrapper a script", () => {
    const files = readdirSync(folder).filter((file) => file.endsWith(".lua"));
    expect(files.map((file) => file.slice(0, -4)).sort()).toEqual(scripts.map((script) => script.name).sort());
  });

  test.each(scripts)("$name: header and wrapper name the same keys and arguments", (script) => {
    const text = read(`${script.name}.lua`);
    expect(declared(text, "KEYS")).toEqual(script.keyNames);
    expect(declared(text, "ARGV")).toEqual(script.argNames);
  });

  test.each(scripts)("$name: declares its language, its reply, and at most 100 lines", (script) => {
    const text = read(`${script.name}.lua`);
    expect(text).toMatch(/^#!lua( flags=allow-oom)?\n/);
    expect(text).toMatch(/^-- REPLY: /m);
    expect(text.split("\n").length).toBeLessThanOrEqual(101);
  });

  test("only what brings new work in is refused when Redis is out of memory", () => {
    const refused = scripts.filter((script) => !read(`${script.name}.lua`).startsWith("#!lua flags=allow-oom"));
    expect(refused.map((script) => script.name).sort()).toEqual(["admit", "claim-idempotency"]);
  });

  test("a part that is included twice stands in the script once", () => {
    const { text } = loadLua("settle");
    expect(text.match(/local function remove_entries/g)).toHaveLength(1);
    expect(text).not.toContain("@include");
  });
});
