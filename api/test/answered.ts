import { keys, parseTaskId, type RowOutcome } from "@sluice/broker";
import { type Answer, type ApiFixture, type Ask, until } from "./api-fixture.js";
import { settle } from "./fake-worker.js";

/** Asks, and settles the run that comes of it as a worker would. */
export async function answered(fixture: ApiFixture, path: string, ask: Ask, outcome: RowOutcome): Promise<Answer> {
  const answer = fixture.ask(path, { method: "POST", ...ask });
  const runId = await onlyRun(fixture);
  await settle(fixture.redis, runId, outcome);
  return await answer;
}

/** The run that is open. */
export async function onlyRun({ redis }: ApiFixture): Promise<string> {
  let runId: string | undefined;
  await until(async () => {
    for (const key of await redis.keys("*:run:*")) {
      const id = key.split(":").at(-1) ?? "";
      const state = await redis.hget(keys.run(parseTaskId(id)?.shard ?? 0, id), "state");
      if (state === "OPEN") runId = id;
    }
    return runId !== undefined;
  });
  return runId ?? "";
}
