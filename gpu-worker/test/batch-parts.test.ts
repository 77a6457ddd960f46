import { BrokerError, countEndpoints, formatSlotName, parseRedisUrl } from "@sluice/broker";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readConfig } from "../src/config.js";
import { slotsOfWeight } from "../src/endpoints/endpoint-plan.js";
import { exampleInput } from "../src/example-input.js";
import { groupRows } from "../src/infer-groups.js";
import { shareRows } from "../src/share-rows.js";
import { createSlotNames } from "../src/slot-name.js";
import type { RowTensor } from "../src/triton/row-tensor.js";
import { modelOf } from "./model-fixture.js";

describe("sharing rows", () => {
  test("gives runs with equal digests one row, and runs without an input each their own", () => {
    expect(shareRows(["a", "b", "a", undefined, undefined, "b"])).toEqual({
      rowOfRun: [0, 1, 0, 2, 3, 1],
      runOfRow: [0, 1, 3, 4],
    });
    expect(shareRows(["", ""])).toEqual({ rowOfRun: [0, 1], runOfRow: [0, 1] });
  });
});

describe("grouping rows", () => {
  const row = (size: number, bytes = 4): RowTensor => ({
    datatype: "FP32",
    shape: [size],
    data: new Uint8Array(bytes),
  });

  test("keeps a batch whole that fits one call", () => {
    const rows = [row(1), undefined, row(1)];
    expect(groupRows(rows, { maxRows: 64, maxBytes: 8 })).toMatchObject([
      { indexes: [0, 2], rows: [rows[0], rows[2]] },
    ]);
  });

  test("never mixes shapes, never passes a limit, and loses no row", () => {
    const rows = fc.array(fc.option(fc.tuple(fc.nat(2), fc.nat(10)), { nil: undefined }), { maxLength: 40 });
    fc.assert(
      fc.property(rows, fc.integer({ min: 1, max: 8 }), (list, maxRows) => {
        const batch = list.map((item) => item && row(...item));
        const groups = groupRows(batch, { maxRows, maxBytes: 16 });
        for (const group of groups) {
          expect(new Set(group.rows.map((r) => r.shape[0])).size).toBe(1);
          expect(group.rows.length).toBeLessThanOrEqual(maxRows);
          const bytes = group.rows.reduce((sum, r) => sum + r.data.length, 0);
          expect(bytes <= 16 || group.rows.length === 1).toBe(true);
          expect(group.rows).toEqual(group.indexes.map((index) => batch[index]));
        }
        const seen = groups.flatMap((group) => group.indexes).sort((a, b) => a - b);
        expect(seen).toEqual(batch.flatMap((r, index) => (r ? [index] : [])));
      }),
    );
  });
});

describe("the names of slots", () => {
  test("differ, and hold no space whatever the host is called", () => {
    const next = createSlotNames({ hostname: "my host", pid: 7, random: "ab12" });
    const slots = [next("triton:8001"), next("triton:8001"), next("other:8001")];
    expect(slots.map(({ number }) => number)).toEqual([0, 1, 2]);
    for (const { name, number } of slots) expect(name).toMatch(new RegExp(`^my_host-7-ab12#${number}@[\\w-]{8}$`));
    expect(countEndpoints(slots.map(({ name }) => name))).toBe(2);
  });

  test("tell how many Tritons they stand for: one that many hosts reach is one, one on each host is another", () => {
    const place = { pid: 7, random: "ab12", number: 0 };
    const hosts = ["one", "two"];
    const count = (endpoint: string) =>
      countEndpoints(hosts.map((hostname) => formatSlotName({ ...place, hostname, endpoint })));
    for (const endpoint of ["triton:8001", "10.1.2.3:8001", "dns:///triton:8001"]) expect(count(endpoint)).toBe(1);
    for (const endpoint of ["127.0.0.1:8001", "localhost:8001", "[::1]:8001", "ipv4:127.0.0.1:1", "unix:/run/t"]) {
      expect(count(endpoint)).toBe(2);
    }
    expect(countEndpoints([])).toBe(0);
    expect(countEndpoints(["old-1-ab#0", "old-1-ab#1", "old-2-cd#0"])).toBe(1);
  });
});

describe("the example of a model", () => {
  test("becomes the bytes of an input", () => {
    expect(exampleInput(modelOf({ example: { text: "é" } }))).toEqual(Buffer.from("é"));
    expect(exampleInput(modelOf({}))).toBeUndefined();
    const tensor = { kind: "tensor", tensor: "IN", dims: [2] } as const;
    const example = { shape: [2], data: [1, -2] };
    const bytes = exampleInput(modelOf({ input: { ...tensor, datatype: "INT16" }, example }));
    expect(Buffer.from(bytes ?? []).subarray(-4)).toEqual(Buffer.from([1, 0, 254, 255]));
    expect(exampleInput(modelOf({ input: { ...tensor, datatype: "FP16" }, example }))).toBeUndefined();
  });
});

describe("the configuration", () => {
  test("has a default for everything", () => {
    expect(readConfig({})).toMatchObject({
      redis: parseRedisUrl("redis://127.0.0.1:6379"),
      endpoints: [{ url: "127.0.0.1:8001", weight: 1 }],
      metricsUrls: new Map([["127.0.0.1:8001", "http://127.0.0.1:8002/metrics"]]),
      pool: "default",
      slots: 2,
    });
  });

  test("takes a list of Tritons, with weights, and of their pages of metrics", () => {
    const urls = { TRITON_URL: "gpu-1:8001, gpu-2:8001*2,[::1]:8001*0.5" };
    const config = readConfig({ ...urls, TRITON_METRICS_URL: ", https://gpu-2/metrics" });
    expect(config.endpoints).toEqual([
      { url: "gpu-1:8001", weight: 1 },
      { url: "gpu-2:8001", weight: 2 },
      { url: "[::1]:8001", weight: 0.5 },
    ]);
    expect(Object.fromEntries(config.metricsUrls)).toEqual({
      "gpu-1:8001": "http://gpu-1:8002/metrics",
      "gpu-2:8001": "https://gpu-2/metrics",
      "[::1]:8001": "http://[::1]:8002/metrics",
    });
    expect(() => readConfig({ TRITON_METRICS_URL: "http://a,http://b" })).toThrow("names more than TRITON_URL");
    expect(() => readConfig({ TRITON_METRICS_URL: "gpu-1:8002" })).toThrow("gpu-1:8002 is not allowed");
    expect([2, 0.5, 0.1, 1.3].map((weight) => slotsOfWeight(2, weight))).toEqual([4, 1, 1, 3]);
  });

  test.each(["a", "a:1,", "a:1*0", "a:1*65", "a:1*-1", "a:1*2*2", "a:1,a:1*2", "http://a:1", "a:1;b:2"])(
    "refuses %s as a list of Tritons",
    (text) => {
      expect(() => readConfig({ TRITON_URL: text })).toThrow(`TRITON_URL: ${text} is not allowed`);
    },
  );

  test("needs an endpoint, unless operators name them", () => {
    expect(() => readConfig({ TRITON_URL: "none" })).toThrow("TRITON_ENDPOINTS=live");
    expect(readConfig({ TRITON_URL: "none", TRITON_ENDPOINTS: "live" })).toMatchObject({ endpoints: [] });
  });

  test("has the inputs in a folder, or in the bucket that is named", () => {
    expect(readConfig({ BLOB_DIR: "inputs" }).blobs).toEqual({ kind: "folder", folder: "inputs" });
    const access = { endpoint: "https://storage:9000", region: "eu-west-1" };
    const s3 = { S3_ENDPOINT: access.endpoint, S3_REGION: access.region };
    expect(readConfig({ BLOB_DIR: "inputs", BLOB_STORE: "s3://blobs/sluice/", ...s3 }).blobs).toEqual({
      kind: "bucket",
      bucket: "blobs",
      prefix: "sluice/",
      access,
    });
    expect(() => readConfig({ BLOB_STORE: "s3://a", S3_ENDPOINT: "a", S3_REGION: "EU" })).toThrow(
      /BLOB_STORE: s3:\/\/a is.*S3_ENDPOINT: a is.*S3_REGION: EU is/,
    );
  });

  test("names every bad variable at once", () => {
    const error = (() => {
      try {
        return readConfig({ SLOTS: "0", REDIS_URL: "http://x", METRICS_PORT: "70000", LOG_LEVEL: "loud" });
      } catch (thrown) {
        return thrown as BrokerError;
      }
    })();
    expect(error).toBeInstanceOf(BrokerError);
    expect((error as BrokerError).details["problems"]).toEqual([
      "REDIS_URL: http://x is not allowed",
      "SLOTS: 0 is not allowed",
      "METRICS_PORT: 70000 is not allowed",
      "LOG_LEVEL: loud is not allowed",
    ]);
  });
});
