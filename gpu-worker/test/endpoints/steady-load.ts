import { keys, type RedisClient } from "@sluice/broker";
import type { Registry } from "prom-client";
import { POOL, publish, runFields, statesOf, submit, type Submitted } from "../worker-fixture.js";

/** Work that does not end, published as a batcher would; what is given back is published again. */
export interface SteadyLoad {
  /** Ends it. @returns the final states of all tasks, when there are no others. */
  finish(): Promise<string[]>;
  /** Ends it at once, whatever is open. */
  stop(): Promise<void>;
}

const AGAIN_MS = 200;

/** A batch of some texts, again and again. */
export function startLoad(
  redis: RedisClient,
  options: { readonly model?: string; readonly everyMs: number },
): SteadyLoad {
  const { model = "m", everyMs } = options;
  const open = new Map<Submitted, number>();
  const ended: string[] = [];
  let [isStopped, isGivenUp] = [false, false];
  const send = async (tasks: readonly Submitted[]): Promise<void> => {
    await publish(redis, tasks, { model });
    for (const task of tasks) open.set(task, performance.now());
  };
  const feed = async (): Promise<void> => {
    for (let batch = 0; !isStopped; batch++) {
      const texts = [1, 2, 3, 4].map((row) => `text ${batch}/${row}`);
      await send(await Promise.all(texts.map((input) => submit(redis, { model, input }))));
      await pause(everyMs);
    }
  };
  const sweep = async (): Promise<void> => {
    while (!isGivenUp && (!isStopped || open.size > 0)) {
      await pause(AGAIN_MS / 2);
      const tasks = [...open.keys()];
      const states = await statesOf(redis, tasks);
      for (const [i, task] of tasks.entries()) {
        const state = states[i];
        if (!state || state.kind === "open") continue;
        open.delete(task);
        ended.push(state.kind === "done" ? state.state : state.kind);
      }
      const waiting = await givenBack(redis, open);
      if (waiting.length > 0) await send(waiting);
    }
  };
  const running = Promise.all([feed(), sweep()]);
  return {
    async finish() {
      isStopped = true;
      await running;
      return ended;
    },
    async stop() {
      [isStopped, isGivenUp] = [true, true];
      await running.catch(() => undefined);
    },
  };
}

/** Open, with nobody, and published a while ago. */
async function givenBack(redis: RedisClient, open: ReadonlyMap<Submitted, number>): Promise<Submitted[]> {
  const old = [...open].filter(([, sentMs]) => performance.now() - sentMs > AGAIN_MS).map(([task]) => task);
  const runs = await Promise.all(old.map((task) => runFields(redis, task)));
  return old.filter((_task, i) => runs[i]?.["state"] === "OPEN" && !runs[i]["worker"]);
}

/** Milliseconds until it is so; undefined if that takes longer than a limit. */
export async function msUntil(isSo: () => Promise<boolean>, limitMs: number): Promise<number | undefined> {
  const startedMs = performance.now();
  for (let ms = 0; ms <= limitMs; ms = performance.now() - startedMs) {
    if (await isSo()) return ms;
    await pause(10);
  }
  return undefined;
}

/** Whether the second of two endpoints, of two slots each, gets batches: some of its slots are on the list. */
export async function isSecondListed(redis: RedisClient): Promise<boolean> {
  return (await redis.zrange(keys.slots(POOL), "0", "-1")).some((slot) => /#[23]@/.test(slot));
}

/** Whether it gets as many as it can take: it is ready, and its breaker closed. */
export async function isBack(
  redis: RedisClient,
  { registry }: { readonly registry: Registry },
  endpoint: { readonly url: string; readonly model: string },
): Promise<boolean> {
  const shown = (await registry.metrics()).split("\n");
  const { url, model } = endpoint;
  return (
    shown.includes(`sluice_endpoint_ready{endpoint="${url}"} 1`) &&
    shown.includes(`sluice_endpoint_breaker_state{endpoint="${url}",model="${model}",version="1"} 0`) &&
    (await isSecondListed(redis))
  );
}

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
