import { freePort, type ModelServer, startModelServer } from "@sluice/stack";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { leftovers, liveSlots, NOTHING_LEFT, until, useBroker } from "../worker-fixture.js";
import { isBack, isSecondListed, msUntil, pause, startLoad } from "./steady-load.js";

const { fixture, startWorker, use } = useBroker();
const OUT_MS = 2_000;
const BACK_MS = 5_000;
/** The promise is one of time, and the machine may be busy with other tests. */
const ON_A_BUSY_MACHINE = { retry: 2 };
let well: ModelServer;
let sick: ModelServer;

const startServer = async (grpcPort?: number) =>
  startModelServer({ includeTest: true, only: ["sleep"], grpcPort: grpcPort ?? (await freePort()) });
beforeAll(async () => {
  [well, sick] = await Promise.all([startServer(), startServer()]);
});
// A test that failed may have left it stopped.
afterEach(() => sick.kill("SIGCONT"));
afterAll(async () => {
  await Promise.all([well.stop(), sick.stop()]);
});

async function startBusy() {
  const models = well.models.map(({ definition }) => definition);
  const { metrics } = await startWorker({ tritonUrl: `${well.grpcUrl},${sick.grpcUrl}` }, { models });
  await until(async () => (await liveSlots(fixture.redis)) === 4);
  const load = use(startLoad(fixture.redis, { model: "sleep", everyMs: 10 }));
  await pause(1_000);
  return { load, metrics };
}

type Busy = Awaited<ReturnType<typeof startBusy>>;

const outAfter = () => msUntil(async () => !(await isSecondListed(fixture.redis)), OUT_MS);
const backAfter = ({ metrics }: Busy) =>
  msUntil(() => isBack(fixture.redis, metrics, { url: sick.grpcUrl, model: "sleep" }), BACK_MS);

async function expectAllDone({ load }: Busy): Promise<void> {
  expect(new Set(await load.finish())).toEqual(new Set(["SUCCESS"]));
  await until(async () => (await leftovers(fixture.redis)).notices === 0);
  expect(await leftovers(fixture.redis)).toEqual(NOTHING_LEFT);
}

test(
  "a Triton that is stopped is out within 2 s, what it has is given back, and it is back within 5 s",
  ON_A_BUSY_MACHINE,
  async () => {
    const busy = await startBusy();
    sick.kill("SIGSTOP");
    expect(await outAfter()).toBeLessThanOrEqual(OUT_MS);
    await pause(1_000);
    sick.kill("SIGCONT");
    expect(await backAfter(busy)).toBeLessThanOrEqual(BACK_MS);
    await expectAllDone(busy);
  },
);

test(
  "a Triton that is killed is out within 2 s, and back within 5 s when another has its place",
  ON_A_BUSY_MACHINE,
  async () => {
    const busy = await startBusy();
    sick.kill("SIGKILL");
    expect(await outAfter()).toBeLessThanOrEqual(OUT_MS);
    await sick.stop();
    sick = await startServer(Number(sick.grpcUrl.split(":").at(-1)));
    expect(await backAfter(busy)).toBeLessThanOrEqual(BACK_MS);
    await expectAllDone(busy);
  },
);
