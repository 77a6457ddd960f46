import fc from "fast-check";
import { randomInt } from "node:crypto";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Agent, request } from "undici";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { createRandom } from "../../../bench/src/load/random.js";
import { toOpenApi } from "../../src/openapi/document.js";
import { OPERATIONS } from "../../src/openapi/operations.js";
import { useApi } from "../api-fixture.js";
import { damage, makeSamples, type SamplePicture } from "../images/header/picture-corpus.js";
import { MODELS } from "../models.js";
import { admittedId, type FuzzAnswer, judge } from "./judge.js";
import { type FuzzRequest, type Ingredients, requestOf, spoiled } from "./requests.js";
import { startSettling } from "./settle-everything.js";

/** 20,000 with `SLUICE_FUZZ=20000`; the seed says which. */
const REQUESTS = Number(process.env["SLUICE_FUZZ"] ?? 1_000);
const SEED = Number(process.env["SLUICE_SEED"] ?? randomInt(2 ** 31));
const AT_ONCE = 8;
/** Of the event loop, 99 of 100. A short run is one of many tests on a full machine. */
const MAX_DELAY_MS = REQUESTS >= 20_000 ? 50 : 250;

let breaks = false;
const fixture = useApi({
  deps: {
    identify: () => {
      if (breaks) throw new TypeError("cannot read properties of undefined at Object.f (/srv/api.js:1:1)");
      return "anna";
    },
  },
});
const agent = new Agent({ connections: 64 });
let samples: SamplePicture[];
beforeAll(async () => {
  samples = await makeSamples();
});
afterAll(() => agent.close());

const taskIds: string[] = [];
function requests(count: number): FuzzRequest[] {
  const pictures = fc.tuple(fc.nat(2 ** 31), fc.nat(3)).map(([seed, kind]) => {
    const random = createRandom(seed);
    const damaged = damage(samples, random);
    return { bytes: kind === 0 ? damaged.bytes : damaged.sample.bytes, type: damaged.sample.type };
  });
  const document = JSON.parse(JSON.stringify(toOpenApi(OPERATIONS))) as Ingredients["document"];
  const ofOperations = OPERATIONS.map((operation) => ({
    weight: operation.id === "submitInference" ? 20 : operation.scope === "submit" && operation.body ? 5 : 1,
    arbitrary: requestOf(operation, { document, pictures, taskIds: () => taskIds }),
  }));
  const good = fc.oneof(...ofOperations);
  const any = fc.oneof({ weight: 4, arbitrary: good }, { weight: 1, arbitrary: spoiled(good) });
  return fc.sample(any, { numRuns: count, seed: SEED });
}

/** What is in use after everything that nobody needs is gone, MiB. */
function usedMib(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 2 ** 20;
}

async function send({ method, path, headers, body }: FuzzRequest): Promise<FuzzAnswer> {
  const isBodyless = body === undefined || method === "GET";
  const answer = await request(fixture.api.url + path, {
    dispatcher: agent,
    method: method as "GET",
    headers,
    ...(isBodyless ? {} : { body }),
  });
  return {
    status: answer.statusCode,
    contentType: String(answer.headers["content-type"] ?? ""),
    text: await answer.body.text(),
  };
}

/** Sends all, some at once. */
async function run(
  all: readonly FuzzRequest[],
  hear: (request: FuzzRequest, answer: FuzzAnswer) => void,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < all.length; index = next++) {
      const each = all[index];
      if (each) hear(each, await send(each));
      if (index % 2_000 === 1_999) console.info(`${index + 1} of ${all.length} requests`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

describe(`requests made from the document, seed ${SEED}`, () => {
  test(
    `${REQUESTS} of them: no bug, every answer as described, and everything that was admitted ends`,
    { timeout: 1_200_000 },
    async () => {
      const settling = startSettling(fixture.redis, MODELS);
      onTestFinished(() => settling.stop());
      // The first requests make what stays: connections, compiled code, metrics.
      await run(requests(300), () => undefined);
      const baseMib = usedMib();
      const all = requests(REQUESTS);
      const delay = monitorEventLoopDelay({ resolution: 10 });
      delay.enable();
      const problems: string[] = [];
      const statuses = new Map<string, number>();
      await run(all, (sent, answer) => {
        const what = judge(sent, answer);
        if (what) problems.push(`${sent.method} ${sent.path} ${String(sent.body).slice(0, 200)} -> ${what}`);
        const id = admittedId(answer);
        if (id) taskIds.push(id);
        const isTaken = sent.operation.body && answer.status < 300 ? "taken" : String(answer.status);
        statuses.set(isTaken, (statuses.get(isTaken) ?? 0) + 1);
      });
      delay.disable();
      const p99Ms = delay.percentile(99) / 1e6;
      console.info(
        `seed ${SEED}: ${JSON.stringify(Object.fromEntries(statuses))}, event loop p99 ${p99Ms.toFixed(1)} ms`,
      );
      expect(problems.slice(0, 20)).toEqual([]);
      expect((statuses.get("taken") ?? 0) / REQUESTS).toBeGreaterThan(0.4);
      expect(p99Ms).toBeLessThan(MAX_DELAY_MS);
      await settling.stop();
      for (const id of taskIds) {
        const { body } = await fixture.ask(`/v1/result/${id}`);
        if (body["status"] === "PENDING") problems.push(`${id} has not ended`);
      }
      expect(problems).toEqual([]);
      all.length = 0;
      expect(usedMib() - baseMib).toBeLessThan(30);
      expect(fixture.api.waitCount()).toBe(0);
      expect(String((await fixture.ask("/metrics")).body["text"])).toMatch(/^sluice_body_bytes 0$/m);
      expect(Object.keys(Object.prototype)).toEqual([]);
    },
  );

  test("a route that throws is noticed", async () => {
    breaks = true;
    const problems: string[] = [];
    await run(
      requests(100),
      (sent, answer) => void problems.push(...(judge(sent, answer) ?? "").split("\n").filter(Boolean)),
    );
    breaks = false;
    expect(problems.length).toBeGreaterThan(30);
    expect(problems.every((problem) => !problem.includes("/srv/api.js"))).toBe(true);
  });
});
