import { expect, test } from "vitest";
import { createDoneEvents, createTaskId, keys, type ShardSubscriber } from "../src/index.js";
import type { ChannelHandler } from "../src/redis/shard-subscriber.js";

test("a subscription that was renewed wakes whoever waits on its shard, and nobody else", async () => {
  const handlers = new Map<string, ChannelHandler>();
  const subscriber: ShardSubscriber = {
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    subscribe: (channel, handler) => Promise.resolve(void handlers.set(channel, handler)),
    ageMs: () => 0,
  };
  const events = createDoneEvents(subscriber);
  await events.start();
  const woken: string[] = [];
  for (const shard of [0, 3, 15]) events.listen(createTaskId(shard, 1), () => woken.push(`shard ${shard}`));
  handlers.get(keys.done(3))?.(undefined);
  expect(woken).toEqual(["shard 3"]);
  for (const handler of handlers.values()) handler(undefined);
  // Once each more, and not once for each subscription.
  expect(woken.slice(1).sort()).toEqual(["shard 0", "shard 15", "shard 3"]);
  await events.stop();
  expect(woken).toHaveLength(7);
});
