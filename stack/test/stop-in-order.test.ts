import { expect, test } from "vitest";

import { stopInOrder } from "../src/process/stop-in-order.js";

/** Tells when it is asked to stop and when it has stopped, which takes as long as the test lets it. */
function stoppable(name: string, story: string[], work: () => Promise<void> = async () => undefined) {
  return {
    stop: async (graceMs?: number): Promise<void> => {
      story.push(`${name} told, ${graceMs ?? "?"} ms`);
      await work();
      story.push(`${name} gone`);
    },
  };
}

test("a group is told to stop only when everything of the group before it is gone", async () => {
  const story: string[] = [];
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const stopped = stopInOrder([
    { graceMs: 10, members: [stoppable("api", story), stoppable("api-2", story, () => held)] },
    { graceMs: 20, members: [] },
    { graceMs: 30, members: [stoppable("redis", story)] },
  ]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(story).toEqual(["api told, 10 ms", "api-2 told, 10 ms", "api gone"]);

  release();
  await stopped;
  expect(story.slice(3)).toEqual(["api-2 gone", "redis told, 30 ms", "redis gone"]);
});

test("what fails to stop does not keep the rest from stopping", async () => {
  const story: string[] = [];
  const failing = stoppable("api", story, () => Promise.reject(new Error("stuck")));
  const stopped = stopInOrder([
    { graceMs: 10, members: [failing] },
    { graceMs: 10, members: [stoppable("redis", story)] },
  ]);
  await expect(stopped).rejects.toMatchObject({ errors: [new Error("stuck")] });
  expect(story).toEqual(["api told, 10 ms", "redis told, 10 ms", "redis gone"]);
});
