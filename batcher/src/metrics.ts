import { type BatchReason, type Clock, DEFAULT_ZONE } from "@sluice/broker";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { BatchSizes } from "./adaptive/batch-sizes.js";
import type { ServedLane } from "./lane-directory.js";
import type { LedgerCounts } from "./ledger.js";
import { LOOP_NAMES, type LoopHealth } from "./loop-health.js";
import type { PoolCredits } from "./pool-credits.js";

/** What is read when the metrics are asked for, rather than told when it changes. */
export interface MetricSources {
  /** Whose work is looked after: a process may have batchers of several zones, and Prometheus must tell them apart. */
  readonly zone: string;
  readonly clock: Clock;
  readonly health: LoopHealth;
  ledgerCounts(): LedgerCounts;
  ownedShards(): number;
  refusedSettings(): number;
  /** Milliseconds since each thing that is polled last answered, by what it is. */
  pollAgesMs(): Readonly<Record<string, number>>;
}

/** Everything a batcher counts. Labels come from closed sets: registered models, pools, classes, reasons, loops. */
export interface BatcherMetrics {
  readonly registry: Registry;
  published(lane: ServedLane, batch: { readonly size: number; readonly reason: BatchReason; waitMs: number }): void;
  /** No credit was free although one was believed to be, or the publishing failed. */
  notPublished(lane: ServedLane, why: "no-credit" | "failed"): void;
  lookedUp(outcome: "closed" | "leased" | "ready" | "apart" | "failed"): void;
  expired(model: string): void;
  reclaimed(pool: string): void;
  /** Entries of ready streams that could not be read. */
  buried(count: number): void;
  queueDepth(lane: ServedLane, entries: number): void;
  /** @param slots worker slots of the whole pool. */
  credits(pool: string, credits: PoolCredits, slots: number): void;
  /** A batch was served as a whole. @param predictedMs undefined while nothing is known. */
  served(lane: ServedLane, times: { readonly observedMs: number; readonly predictedMs: number | undefined }): void;
  /** How large batches are to be, and observed over predicted service times. */
  learned(lane: ServedLane, learned: BatchSizes & { readonly drift: number }): void;
}

/** All metrics of one batcher, in a registry of their own. */
export function createBatcherMetrics(sources: MetricSources): BatcherMetrics {
  const registry = new Registry();
  if (sources.zone !== DEFAULT_ZONE) registry.setDefaultLabels({ zone: sources.zone });
  collectSources(registry, sources);
  const registers = [registry];
  const size = new Histogram({
    name: "sluice_batch_size_distribution",
    help: "Tasks in a published batch.",
    labelNames: ["model", "class"],
    buckets: [1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 256],
    registers,
  });
  const wait = new Histogram({
    name: "sluice_batch_wait_seconds",
    help: "How long the first task of a batch waited in the batcher.",
    labelNames: ["model", "class"],
    // 1 ms to 10 s: a batch window is some tens of milliseconds; more is waiting for a credit.
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const reason = counter(registry, "sluice_batch_reason_total", "Batches by why they left.", ["model", "reason"]);
  const refused = counter(registry, "sluice_batch_not_published_total", "Batches that went back.", ["model", "why"]);
  const lookUps = counter(registry, "sluice_look_ups_total", "Published tasks that had to be looked up.", ["outcome"]);
  const expired = counter(registry, "sluice_expired_total", "Tasks that were late before they left.", ["model"]);
  const reclaimed = counter(registry, "sluice_reclaimed_batches_total", "Batches of dead worker slots.", ["pool"]);
  const buried = counter(
    registry,
    "sluice_malformed_entries_total",
    "Entries of ready streams that could not be read.",
    [],
  );
  return {
    registry,
    published({ model, batchClass }, batch) {
      size.observe({ model, class: batchClass }, batch.size);
      wait.observe({ model, class: batchClass }, batch.waitMs / 1_000);
      reason.inc({ model, reason: batch.reason });
    },
    notPublished: ({ model }, why) => refused.inc({ model, why }),
    lookedUp: (outcome) => lookUps.inc({ outcome }),
    expired: (model) => expired.inc({ model }),
    reclaimed: (pool) => reclaimed.inc({ pool }),
    buried: (count) => buried.inc(count),
    served: createServiceTimes(registry),
    ...createLaneGauges(registry),
  };
}

function createServiceTimes(registry: Registry): BatcherMetrics["served"] {
  // 1 ms to 16 s, doubling: from one small row to a whole lease.
  const buckets = [0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1, 2, 4, 8, 16];
  const histogram = (name: string, help: string) =>
    new Histogram({ name, help, labelNames: ["model", "class"], buckets, registers: [registry] });
  const observed = histogram("sluice_batch_service_seconds", "Seconds from the claim of a batch to its last result.");
  const predicted = histogram(
    "sluice_batch_predicted_seconds",
    "What was predicted for the same batches, if anything.",
  );
  return ({ model, batchClass }, { observedMs, predictedMs }) => {
    observed.observe({ model, class: batchClass }, observedMs / 1_000);
    if (predictedMs !== undefined) predicted.observe({ model, class: batchClass }, predictedMs / 1_000);
  };
}

function createLaneGauges(registry: Registry): Pick<BatcherMetrics, "queueDepth" | "credits" | "learned"> {
  const depth = gauge(registry, "sluice_queue_depth", "Open tasks on this batcher's shards.", {
    names: ["model", "class"],
  });
  const target = gauge(registry, "sluice_batch_size_target", "Tasks in a batch that are enough, and the most.", {
    names: ["model", "class", "bound"],
  });
  const drift = gauge(registry, "sluice_service_time_drift", "Observed over predicted service times of batches.", {
    names: ["model"],
  });
  const credits = gauge(registry, "sluice_credits", "Credits of a pool, as last heard.", { names: ["pool", "kind"] });
  const slots = gauge(registry, "sluice_pool_slots", "Live worker slots of a pool.", { names: ["pool"] });
  return {
    queueDepth: ({ model, batchClass }, entries) => depth.set({ model, class: batchClass }, entries),
    learned({ model, batchClass }, learned) {
      target.set({ model, class: batchClass, bound: "enough" }, learned.enough);
      target.set({ model, class: batchClass, bound: "most" }, learned.most);
      drift.set({ model }, learned.drift);
    },
    credits(pool, { used, total }, slotsOfPool) {
      slots.set({ pool }, slotsOfPool);
      credits.set({ pool, kind: "used" }, used);
      credits.set({ pool, kind: "total" }, total);
    },
  };
}

function collectSources(registry: Registry, sources: MetricSources): void {
  gauge(registry, "sluice_shards_owned", "Shards that belong to this batcher.", {
    names: [],
    collect: (own) => own.set(sources.ownedShards()),
  });
  gauge(registry, "sluice_settings_refused", "Sets of settings refused since the start.", {
    names: [],
    collect: (own) => own.set(sources.refusedSettings()),
  });
  gauge(registry, "sluice_poll_age_seconds", "Seconds since something that is polled last answered.", {
    names: ["poll"],
    collect(own) {
      for (const [poll, ageMs] of Object.entries(sources.pollAgesMs())) own.set({ poll }, ageMs / 1_000);
    },
  });
  gauge(registry, "sluice_batcher_tasks", "Tasks that the batcher has in memory.", {
    names: ["state"],
    collect(own) {
      for (const [state, count] of Object.entries(sources.ledgerCounts())) own.set({ state }, count);
    },
  });
  gauge(
    registry,
    "sluice_loop_age_seconds",
    "Seconds since a loop last completed a turn; where several do the same, of the slowest.",
    {
      names: ["loop"],
      collect(own) {
        const nowMs = sources.clock.monotonicMs();
        own.reset();
        for (const loop of LOOP_NAMES) {
          const ageMs = sources.health.oldestAgeMs(loop, nowMs);
          if (ageMs !== undefined) own.set({ loop }, ageMs / 1_000);
        }
      },
    },
  );
}

function counter<Label extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly Label[],
): Counter<Label> {
  return new Counter({ name, help, labelNames: [...labelNames], registers: [registry] });
}

function gauge<Label extends string>(
  registry: Registry,
  name: string,
  help: string,
  labels: { readonly names: readonly Label[]; readonly collect?: (own: Gauge<Label>) => void },
): Gauge<Label> {
  const { names, collect } = labels;
  const own: Gauge<Label> = new Gauge({
    name,
    help,
    labelNames: [...names],
    registers: [registry],
    ...(collect ? { collect: () => collect(own) } : {}),
  });
  return own;
}
