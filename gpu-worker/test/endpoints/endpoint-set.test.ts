import type { PoolEndpoint } from "@sluice/broker";
import { pino } from "pino";
import { expect, test } from "vitest";
import type { EndpointRunner } from "../../src/endpoints/endpoint-runner.js";
import { createEndpointSet } from "../../src/endpoints/endpoint-set.js";

const endpointAt = (url: string, weight = 1): PoolEndpoint => ({ url, weight, state: "active" });

/** Runners that only note what is done with them; those of `unservable` addresses cannot be made. */
function setWith(unservable: Set<string>) {
  const done: string[] = [];
  const createRunner = ({ url, weight }: PoolEndpoint) => {
    if (unservable.has(url)) throw new Error(`${url} cannot be served`);
    const note = (what: string) => async () => void done.push(`${what} ${url} ${weight}`);
    const endpoint = { drain: () => undefined };
    return { endpoint, slots: [], start: note("start"), stop: note("stop") } as unknown as EndpointRunner;
  };
  const onGone = async (url: string) => void done.push(`gone ${url}`);
  return { set: createEndpointSet({ createRunner, onGone, log: pino({ level: "silent" }) }, [endpointAt("a")]), done };
}

test("an endpoint that cannot be served does not keep the others from being as they are to be, and stays as it was", async () => {
  const unservable = new Set(["b"]);
  const { set, done } = setWith(unservable);
  await set.start();
  expect(() => set.change([endpointAt("b"), endpointAt("a", 2), endpointAt("c")])).toThrow(AggregateError);
  expect(done.splice(0)).toEqual(["start a 1", "stop a 1", "start a 2", "start c 1"]);
  unservable.add("a");
  expect(() => set.change([endpointAt("a", 3), endpointAt("c")])).toThrow(AggregateError);
  expect(done.splice(0)).toEqual([]);
  unservable.clear();
  set.change([endpointAt("a", 3), endpointAt("b"), endpointAt("c")]);
  expect(done.splice(0).sort()).toEqual(["start a 3", "start b 1", "stop a 2"]);
  await set.stop();
  expect(done.sort()).toEqual(["stop a 3", "stop b 1", "stop c 1"]);
});

test("an endpoint is gone when it has ended, unless it is there again by then", async () => {
  const { set, done } = setWith(new Set());
  await set.start();
  set.change([endpointAt("a", 2)]);
  set.change([]);
  set.change([endpointAt("a", 3)]);
  await expect.poll(() => done.filter((what) => what.startsWith("stop"))).toHaveLength(2);
  set.change([endpointAt("b")]);
  await expect.poll(() => done).toContain("gone a");
  await set.stop();
  expect(done.filter((what) => what.startsWith("gone"))).toEqual(["gone a"]);
});
