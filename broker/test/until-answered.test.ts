import { expect, test } from "vitest";

import { BrokerError } from "../src/errors.js";
import { untilAnswered } from "../src/redis/until-answered.js";

const replyError = (message: string): Error => Object.assign(new Error(message), { name: "ReplyError" });

/** Fails so many times, then answers how often it was asked. */
function failing(times: number, error: Error): () => Promise<number> {
  let asked = 0;
  return () => (++asked <= times ? Promise.reject(error) : Promise.resolve(asked));
}

test.each([
  ["a connection that was cut", new Error("Connection is closed.")],
  ["a command that timed out", new BrokerError("storage-unavailable", "x", { cause: new Error("Command timed out") })],
  ["a server that loads", replyError("LOADING Redis is loading the dataset in memory")],
  ["a Cluster in a failover", replyError("CLUSTERDOWN The cluster is down")],
])("asks again after %s", async (_what, error) => {
  expect(await untilAnswered(failing(2, error))).toBe(3);
});

test.each([
  ["a refusal", replyError("WRONGTYPE Operation against a key holding the wrong kind of value")],
  ["what is wrong with the settings", new BrokerError("config-invalid", "x")],
  ["one behind an error of ours", new BrokerError("storage-unavailable", "x", { cause: replyError("NOPERM no") })],
])("tells %s at once", async (_what, error) => {
  await expect(untilAnswered(failing(1, error))).rejects.toBe(error);
});

test("tells the last failure when its time is over", async () => {
  await expect(untilAnswered(failing(100, new Error("away")), 300)).rejects.toThrow("away");
});
