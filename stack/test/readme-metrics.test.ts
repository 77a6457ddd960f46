import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { createApiMetrics } from "../../api/src/metrics.js";
import { createLoopHealth } from "../../batcher/src/loop-health.js";
import { createBatcherMetrics } from "../../batcher/src/metrics.js";
import { createGpuWorkerMetrics, observeGpuWorker } from "../../gpu-worker/src/metrics.js";
import { projectFolders } from "../src/index.js";

const read = (file: string) => readFileSync(path.join(projectFolders.root, file), "utf8");
const section = /\n## Metrics\n(.*?)\n## /s.exec(read("README.md"))?.[1] ?? "";
const none = () => 0;

/** What each role answers to a scrape. */
const REGISTRIES: Record<string, () => { metrics(): Promise<string>; getSingleMetric(name: string): unknown }> = {
  api: () => createApiMetrics({ waits: none, bodyBytes: none, refusedSettings: none, pollAgesMs: () => ({}) }).registry,
  batcher: () =>
    createBatcherMetrics({
      zone: "local",
      clock: { epochMs: none, monotonicMs: none },
      health: createLoopHealth(),
      ledgerCounts: () => ({ waiting: 0, out: 0, late: 0 }),
      ownedShards: none,
      refusedSettings: none,
      pollAgesMs: () => ({}),
    }).registry,
  "gpu-worker": () => {
    const { registry } = createGpuWorkerMetrics();
    observeGpuWorker(registry, {
      endpoints: () => [],
      slots: () => [],
      refusedSettings: none,
      pollAgesMs: () => ({}),
    });
    return registry;
  },
};

/** `| name | roles | labels | meaning |` */
const rows = [...section.matchAll(/^\| `(sluice_[a-z_]+)` \| ([^|]+) \|([^|]*)\| ([^|]+) \|$/gm)].flatMap(
  ([, name = "", roles = "", labels = ""]) =>
    roles
      .split(", ")
      .map((role) => ({ name, role, labels: [...labels.matchAll(/`([a-z]+)`/g)].map(([, one]) => one) })),
);

describe("the table of metrics in README", () => {
  test.each(Object.keys(REGISTRIES))("has every metric of a scrape of %s, and no other", async (role) => {
    const text = (await REGISTRIES[role]?.().metrics()) ?? "";
    const scraped = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name);
    const documented = rows.filter((row) => row.role === role).map(({ name }) => name);
    expect(documented.sort()).toEqual(scraped.sort());
  });

  test.each(rows)("names the labels of $name", ({ name, role, labels }) => {
    const metric = REGISTRIES[role]?.().getSingleMetric(name) as { labelNames: string[] } | undefined;
    expect(labels.sort()).toEqual([...(metric?.labelNames ?? ["?"])].sort());
  });

  test("has every recording rule", () => {
    const rules = [...read("k8s/prometheus/rules.yaml").matchAll(/record: (\S+)/g)].map(([, name]) => name);
    const shown = [...section.matchAll(/^\| `(sluice:[a-z0-9_:]+)` \|/gm)].map(([, name]) => name);
    expect(rules.length).toBeGreaterThan(5);
    expect(shown.sort()).toEqual(rules.sort());
  });
});
