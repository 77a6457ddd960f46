import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { HealthLimits } from "../../src/health/endpoint-health.js";
import { modelOf } from "../model-fixture.js";
import { type Answer, type ScriptedTriton, startScriptedTriton } from "../scripted-triton.js";
import { leftovers, liveSlots, NOTHING_LEFT, until, useBroker } from "../worker-fixture.js";
import { isBack, isSecondListed, msUntil, pause, startLoad } from "./steady-load.js";

const { fixture, startWorker, use } = useBroker();
const OUT_MS = 2_000;
const BACK_MS = 5_000;
/** The promise is one of time, and the machine may be busy with other tests. */
const ON_A_BUSY_MACHINE = { retry: 2 };
/** No rule holds: what is seen then, the rules do. */
const NO_RULES: HealthLimits = {
  breaker: { failures: Infinity, openMs: 1, maxOpenMs: 1 },
  slowness: { factor: Infinity, floorMs: 0, lastingMs: Infinity, calls: Infinity },
  silenceMs: Infinity,
};
let well: ScriptedTriton;
let sick: ScriptedTriton;

const taking =
  (ms: number) =>
  async (texts: readonly string[]): Promise<Answer> => {
    await pause(ms);
    return texts;
  };
const TROUBLES: Record<string, (triton: ScriptedTriton) => void> = {
  "answers UNAVAILABLE": (triton) => (triton.script = () => ({ status: status.UNAVAILABLE, reason: "busy" })),
  "is ten times slower": (triton) => (triton.script = taking(150)),
  "answers nothing any more": (triton) => (triton.silent = true),
  "answers too few rows": (triton) => (triton.script = (texts) => texts.slice(1)),
};

beforeEach(async () => {
  [well, sick] = await Promise.all([startScriptedTriton(), startScriptedTriton()]);
  well.script = sick.script = taking(15);
});
afterEach(() => {
  well.stop();
  sick.stop();
});

async function startBusy(health?: HealthLimits) {
  const { metrics } = await startWorker(
    { tritonUrl: `${well.url},${sick.url}`, ...(health && { health }) },
    { models: [modelOf({ example: { text: "good" } })] },
  );
  await until(async () => (await liveSlots(fixture.redis)) === 4);
  const load = use(startLoad(fixture.redis, { everyMs: 10 }));
  await until(() => well.calls.length > 30 && sick.calls.length > 30);
  return { metrics, load };
}

const isOut = async () => !(await isSecondListed(fixture.redis));

test.each(Object.keys(TROUBLES))(
  "a Triton that %s is out within 2 s and back within 5 s; no task fails",
  ON_A_BUSY_MACHINE,
  async (name) => {
    const { load, metrics } = await startBusy();
    TROUBLES[name]?.(sick);
    expect(await msUntil(isOut, OUT_MS)).toBeLessThanOrEqual(OUT_MS);
    const calls = well.calls.length;
    await pause(1_000);
    expect(well.calls.length - calls).toBeGreaterThan(10);
    const shown = (await metrics.registry.metrics()).split("\n");
    const isOpen = [1, 2].some((state) =>
      shown.includes(`sluice_endpoint_breaker_state{endpoint="${sick.url}",model="m",version="1"} ${state}`),
    );
    expect(isOpen || shown.includes(`sluice_endpoint_ready{endpoint="${sick.url}"} 0`)).toBe(true);
    sick.script = taking(15);
    sick.silent = false;
    const backAfterMs = await msUntil(() => isBack(fixture.redis, metrics, { url: sick.url, model: "m" }), BACK_MS);
    expect(backAfterMs).toBeLessThanOrEqual(BACK_MS);
    const after = sick.calls.length;
    await until(() => sick.calls.length > after + 5);
    const states = await load.finish();
    expect(new Set(states)).toEqual(new Set(["SUCCESS"]));
    await until(async () => (await leftovers(fixture.redis)).notices === 0);
    expect(await leftovers(fixture.redis)).toEqual(NOTHING_LEFT);
  },
);

test.each(Object.keys(TROUBLES))(
  "control: without the rules a Triton that %s stays in rotation for 2 s",
  async (name) => {
    const { load } = await startBusy(NO_RULES);
    TROUBLES[name]?.(sick);
    expect(await msUntil(isOut, OUT_MS)).toBeUndefined();
    sick.script = taking(15);
    sick.silent = false;
    sick.stop();
    await load.finish();
  },
);
