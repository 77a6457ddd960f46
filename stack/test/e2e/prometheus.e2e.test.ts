import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { connectRedis, keys, parseRedisUrl, registerModels } from "@sluice/broker";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { freePort, projectFolders, type Stack, startProcess, startStack, waitUntilReady } from "../../src/index.js";
import { runCommand } from "../../src/process/run-command.js";
import { preparePrometheus, type PreparedPrometheus } from "./prepare-prometheus.js";
import { createTaskClient, type TaskClient } from "./task-client.js";

const RULES = path.join(projectFolders.root, "k8s/prometheus/rules.yaml");

let dir: string;
let programs: PreparedPrometheus;
let stack: Stack | undefined;
let client: TaskClient | undefined;
let prometheus: { readonly url: string; stop(): Promise<void> } | undefined;
let texts = 0;

beforeAll(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), "sluice-prometheus-"));
  programs = await preparePrometheus();
});
afterAll(async () => {
  await prometheus?.stop();
  await client?.close();
  await stack?.stop();
  await rm(dir, { recursive: true });
});

test("promtool finds the recording rules to be good", async ({ skip }) => {
  if ("missing" in programs) return skip(programs.missing);
  const { stdout } = await runCommand(programs.promtool, ["check", "rules", RULES]);
  expect(stdout).toContain("SUCCESS");
});

test(
  "Prometheus scrapes every role, and the recording rules say what has happened",
  { timeout: 90_000 },
  async ({ skip }) => {
    if ("missing" in programs) return skip(programs.missing);
    const running = (stack = await startStack({ dir, models: ["sleep"] }));
    client = createTaskClient(running.apiUrl);
    await prepareSettings(running);
    // Batches of 1 and of 4, so that there is something to predict, and counters before the first scrape.
    for (const size of [1, 1, 4, 4]) await sendWave(running, client, size);
    prometheus = await startPrometheus(programs.prometheus, running);
    const { url } = prometheus;
    const value = async (query: string) => Number((await ask(url, query))[0]?.value[1] ?? NaN);
    await vi.waitFor(async () => expect(await value('sum(up{job="sluice"})')).toBe(3), {
      timeout: 15_000,
      interval: 200,
    });
    for (let i = 0; i < 8; i++) await Promise.all([sendWave(running, client, 4), pause(250)]);

    // Each role is scraped at its own moment, and a rate takes two of them.
    const settled = async () => {
      expect(await rulesWithoutResult(url)).toEqual([]);
      expect(await value('sluice:batch_size:mean{model="sleep",class="now"}')).toBeCloseTo(4, 1);
      expect(await value('sluice:admissions:rate{model="sleep"}')).toBeGreaterThan(0);
      expect(await value("sluice:slots:utilisation")).toBeGreaterThan(0);
    };
    await vi.waitFor(settled, { timeout: 15_000, interval: 250 });
    expect(await value('sluice:batch_reason:ratio{model="sleep",reason="full"}')).toBeCloseTo(1, 1);
    expect(await value('sluice:refusals:ratio{model="sleep"}')).toBe(0);
    expect(await value('sluice:refusals:ratio{model="orphan"}')).toBe(1);
    expect(await value('sluice:refusals_by_reason:rate{model="orphan",reason="no-workers"}')).toBeGreaterThan(0);
    // A batch of 4 sleeps for 6 ms.
    expect(await value('sluice:service_seconds:mean{model="sleep"}')).toBeGreaterThan(0.006);
    expect(await value('sluice:predicted_seconds:mean{model="sleep"}')).toBeGreaterThan(0.006);
    expect(await value('sluice:service_over_predicted:ratio{model="sleep"}')).toBeGreaterThan(0.2);
    const [p50, p99] = [await value("sluice:batch_wait_seconds:p50"), await value("sluice:batch_wait_seconds:p99")];
    expect(p50).toBeGreaterThan(0);
    expect(p99).toBeGreaterThanOrEqual(p50);
    // Nobody waited until the batch was due.
    expect(p99).toBeLessThan(0.95);
    expect(await value('sluice:endpoint_rows:ratio{model="sleep"}')).toBe(1);
    for (const share of ["sluice:slots:utilisation", "sluice:credits:utilisation"]) {
      expect(await value(share)).toBeGreaterThanOrEqual(0);
      expect(await value(share)).toBeLessThanOrEqual(1);
    }
    expect(await value('sluice:queue_depth:sum{model="sleep",class="now"}')).toBeGreaterThanOrEqual(0);
  },
);

/** Batches of 4 that leave when they are full, and a model whose pool has no worker. */
async function prepareSettings({ redis: { url }, models, apiUrl }: Stack): Promise<void> {
  const redis = await connectRedis(parseRedisUrl(url), pino({ level: "silent" }));
  const [sleep] = models.map(({ definition }) => definition);
  if (sleep === undefined) throw new Error("there is no model");
  await registerModels(redis, [sleep, { ...sleep, name: "orphan", pool: "nowhere" }]);
  await redis.hset(keys.config, { "batch.mode": "fixed", "batch.max_size": "4", "batch.max_wait_ms": "1000" });
  redis.disconnect();
  // Models are looked at less often than settings.
  await vi.waitFor(async () => expect(await submitOrphan(apiUrl)).toBe(503), { timeout: 10_000, interval: 100 });
}

/** So many tasks at once, and one that is refused. */
async function sendWave({ apiUrl }: Stack, tasks: TaskClient, size: number): Promise<void> {
  const wave = Array.from({ length: size }, () => tasks.run({ model: "sleep", input: `text ${texts++}` }));
  const [refused] = await Promise.all([submitOrphan(apiUrl), ...wave]);
  expect(refused).toBe(503);
}

/** Its status. Other texts each time: what is open already may be joined. */
async function submitOrphan(apiUrl: string): Promise<number> {
  const body = JSON.stringify({ model: "orphan", input: `text ${texts++}` });
  const answer = await fetch(`${apiUrl}/v1/inference`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  await answer.arrayBuffer();
  return answer.status;
}

async function startPrometheus(program: string, { roles }: Stack) {
  const targets = Object.values(roles).flatMap((members) => members.map(({ url }) => new URL(url).host));
  const config = path.join(dir, "prometheus.json");
  const often = { scrape_interval: "1s", evaluation_interval: "1s" };
  const scrapes = [{ job_name: "sluice", static_configs: [{ targets }] }];
  await writeFile(config, JSON.stringify({ global: often, rule_files: [RULES], scrape_configs: scrapes }));
  const address = `127.0.0.1:${await freePort()}`;
  const running = await startProcess({
    name: "prometheus",
    command: program,
    args: [`--config.file=${config}`, `--storage.tsdb.path=${dir}/tsdb`, `--web.listen-address=${address}`],
    logFile: path.join(dir, "prometheus.log"),
  });
  const url = `http://${address}`;
  await waitUntilReady(running, { isReady: async () => (await fetch(`${url}/-/ready`)).ok, timeoutMs: 20_000 });
  return { url, stop: () => running.stop() };
}

/** An instant query of Prometheus' HTTP API. */
async function ask(url: string, query: string) {
  const response = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query }).toString()}`);
  const body = (await response.json()) as { data: { result: { value: [number, string] }[] } };
  return body.data.result;
}

/** Names of rules that failed, or of which there is no series. */
async function rulesWithoutResult(url: string): Promise<string[]> {
  const body = (await (await fetch(`${url}/api/v1/rules`)).json()) as {
    data: { groups: { rules: { name: string; health: string }[] }[] };
  };
  const rules = body.data.groups.flatMap((group) => group.rules);
  const results = await Promise.all(rules.map(({ name }) => ask(url, name)));
  return rules.flatMap(({ name, health }, i) => (health === "ok" && (results[i] ?? []).length > 0 ? [] : [name]));
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
