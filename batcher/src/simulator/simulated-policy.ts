import type { BatchClass } from "@sluice/broker";

import { LaneKnowledge } from "../adaptive/lane-knowledge.js";
import { ServiceTimes } from "../adaptive/service-times.js";
import { type BatchPolicy, decide, type Decision, type LaneView } from "../decide.js";

/** What of a lane a policy may look at. */
export interface QueueState {
  readonly batchClass: BatchClass;
  readonly count: number;
  readonly oldestArrivedMs: number;
  readonly earliestDeadlineMs: number;
  readonly freeServers: number;
  readonly servers: number;
}

/** A rule for when batches leave, with its memory of one lane. */
export interface SimulatedPolicy {
  view(queue: QueueState): LaneView;
  /** What is to be done before this moment is given up. */
  hopelessBeforeMs(queue: QueueState, nowMs: number): number;
  arrived(nowMs: number): void;
  settled(size: number, serviceMs: number): void;
  /** Largest batch now, rows: so far others may be taken along. */
  fullSize(): number;
  /** The product's own, unless a control decides otherwise. */
  decide(view: LaneView, nowMs: number): Decision;
}

/** Makes a policy for a lane that nothing is known about yet. */
export interface PolicyMaker {
  readonly name: string;
  create(batchClass: BatchClass): SimulatedPolicy;
}

const FIXED: BatchPolicy = { kind: "fixed" };

/** The classic rule. Nobody is given up. */
export function fixedPolicy(maxSize: number, maxWaitMs: number): PolicyMaker {
  const limits = { maxSize, maxWaitMs };
  const create = (): SimulatedPolicy => ({
    view: (queue) => viewOf(queue, FIXED, limits),
    hopelessBeforeMs: () => -Infinity,
    arrived: () => undefined,
    settled: () => undefined,
    fullSize: () => maxSize,
    decide,
  });
  return { name: `fixed ${maxSize}/${maxWaitMs}`, create };
}

/** Leaves as soon as a server is free, with whatever waits: what Triton does by default. */
export function eagerPolicy(maxSize: number): PolicyMaker {
  return { ...fixedPolicy(maxSize, 0), name: "eager" };
}

/** What the adaptive rule is set to. */
export interface AdaptiveSettings {
  readonly maxSize: number;
  readonly maxWaitMs: number;
  readonly sloMs: number;
  readonly thrift: number;
  /** Batches of which times are known beforehand, rightly or wrongly. */
  readonly known?: readonly { readonly size: number; readonly serviceMs: number }[];
}

/** Settings as the product has them, with no known times. */
export const ADAPTIVE_DEFAULTS: AdaptiveSettings = { maxSize: 64, maxWaitMs: 50, sloMs: 500, thrift: 0 };

/** Bulk lanes save GPU time. */
const BULK_THRIFT = 5;

/** The product's adaptive rule, which learns as it runs. */
export function adaptivePolicy(settings: AdaptiveSettings, name = "adaptive"): PolicyMaker {
  return { name, create: (batchClass) => createAdaptive(settings, batchClass) };
}

function createAdaptive(settings: AdaptiveSettings, batchClass: BatchClass): SimulatedPolicy {
  const { maxSize, sloMs } = settings;
  const knowledge = new LaneKnowledge(new ServiceTimes(maxSize));
  for (const { size, serviceMs } of settings.known ?? []) knowledge.times.observe(size, serviceMs);
  const thrift = batchClass === "bulk" ? BULK_THRIFT : settings.thrift;
  const limits = { maxSize, sloMs, depth: 1, overheadMs: 0 };
  // Written out: this is done for each arrival, and a spread takes several times as long.
  const policyOf = ({ servers, freeServers, oldestArrivedMs, earliestDeadlineMs }: QueueState) =>
    knowledge.policy({
      maxSize,
      sloMs,
      depth: limits.depth,
      overheadMs: limits.overheadMs,
      slots: servers,
      endpoints: servers,
      idleSlots: freeServers,
      thrift,
      oldestArrivedMs,
      earliestDeadlineMs,
    });
  return {
    view: (queue) => viewOf(queue, policyOf(queue), settings),
    hopelessBeforeMs: ({ count, freeServers, servers }, nowMs) =>
      nowMs + knowledge.hopelessWithinMs(count, limits, freeServers >= servers),
    arrived: (nowMs) => knowledge.gap.arrived(nowMs),
    settled: (size, serviceMs) => knowledge.times.observe(size, serviceMs),
    fullSize: () => knowledge.sizes(limits).most,
    decide,
  };
}

/**
 * A control that must fail: the batch is made so small that its oldest task can still make it. Under overload batches
 * shrink, which takes capacity when it is needed most.
 */
export function shrinkPolicy(maxSize: number, meanMs: (size: number) => number): PolicyMaker {
  const create = (): SimulatedPolicy => {
    const eager = eagerPolicy(maxSize).create("now");
    let earliestDeadlineMs = Infinity;
    return {
      ...eager,
      view(queue) {
        ({ earliestDeadlineMs } = queue);
        return eager.view(queue);
      },
      // Only those are given up who could not even make it alone.
      hopelessBeforeMs: (_queue, nowMs) => nowMs + meanMs(1),
      decide(view, nowMs) {
        const decision = decide(view, nowMs);
        if (decision.kind === "wait") return decision;
        let { size } = decision;
        while (size > 1 && nowMs + meanMs(size) > earliestDeadlineMs) size--;
        return { ...decision, size };
      },
    };
  };
  return { name: "shrink", create };
}

function viewOf(
  { batchClass, count, oldestArrivedMs, freeServers }: QueueState,
  policy: BatchPolicy,
  { maxSize, maxWaitMs }: Pick<AdaptiveSettings, "maxSize" | "maxWaitMs">,
): LaneView {
  return {
    policy,
    batchClass,
    count,
    cost: count,
    oldestArrivedMs,
    freeCredits: freeServers,
    maxSize,
    maxWaitMs,
    solo: false,
    draining: false,
  };
}
