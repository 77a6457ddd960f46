import { expect, test } from "vitest";
import { parseTritonMetrics, timesBetween } from "../../src/backpressure/triton-reading.js";
import { pageOf } from "./scripted-metrics.js";

const MODEL = { requests: 4, queueUs: 2_000, computeUs: 80_000 };
const GPU = { utilization: 0.5, usedBytes: 40e9, totalBytes: 80e9 };

test("the busiest and the fullest GPU count, and times are summed in milliseconds", () => {
  const gpus = [GPU, { ...GPU, utilization: 0.97 }, { ...GPU, usedBytes: 20e9, totalBytes: 24e9 }];
  expect(parseTritonMetrics(pageOf({ gpus, model: MODEL }))).toEqual({
    gpuUtilization: 0.97,
    gpuMemory: 20 / 24,
    counters: { requests: 4, queueMs: 2, computeMs: 80 },
  });
});

test("models add up, whatever their names are made of", () => {
  const page = ["a", 'with } and \\" and {', "b"]
    .map((name, i) => `nv_inference_request_success{model="${name}",version="1"} ${10 ** i}`)
    .join("\n");
  expect(parseTritonMetrics(page).counters.requests).toBe(111);
});

test.each([
  ["no GPU", pageOf({ gpus: [], model: MODEL }), undefined, undefined],
  ["a part of a GPU", pageOf({ gpus: [{ ...GPU, utilization: NaN }], model: MODEL }), undefined, 0.5],
  ["a GPU without memory", pageOf({ gpus: [{ ...GPU, totalBytes: 0 }], model: MODEL }), 0.5, undefined],
  ["exponents and timestamps", 'nv_gpu_utilization{gpu_uuid="G"} 9.1e-01 1700000000000', 0.91, undefined],
  ["a page of something else", "<html>nv_gpu_utilization 1</html>\nup 1", undefined, undefined],
  ["an empty page", "", undefined, undefined],
])("%s", (_name, page, gpuUtilization, gpuMemory) => {
  expect(parseTritonMetrics(page)).toMatchObject({ gpuUtilization, gpuMemory });
});

test("times are those of the requests in between; without any, or after a restart, there are none", () => {
  const earlier = { requests: 10, queueMs: 100, computeMs: 1_000 };
  const times = { queueMs: 5, computeMs: 20 };
  expect(timesBetween(earlier, { requests: 14, queueMs: 120, computeMs: 1_080 })).toEqual(times);
  expect(timesBetween(earlier, earlier)).toBeUndefined();
  expect(timesBetween(earlier, { requests: 2, queueMs: 1, computeMs: 40 })).toBeUndefined();
  expect(timesBetween(earlier, { requests: 11, queueMs: 1, computeMs: 40 })).toBeUndefined();
});
