import fc from "fast-check";
import { Packr } from "msgpackr";
import { describe, expect, test } from "vitest";
import { packList } from "../src/msgpack-list.js";
import {
  BrokerError,
  createTaskId,
  decodeCredit,
  decodeFailure,
  decodeNotice,
  decodeOutput,
  decodeRecord,
  DEFAULT_SETTINGS,
  digestOf,
  encodeCredit,
  encodeFailure,
  encodeNotice,
  encodeOutput,
  ERROR_CODES,
  formatLane,
  parseLane,
  parseRedisUrl,
  parseSettings,
  parseTaskId,
  SHARD_COUNT,
} from "../src/index.js";

describe("task ids", () => {
  test("carry their shard and their time", () => {
    fc.assert(
      fc.property(fc.nat(SHARD_COUNT - 1), fc.nat(2 ** 44), (shard, createdMs) => {
        expect(parseTaskId(createTaskId(shard, createdMs))).toEqual({ shard, createdMs });
      }),
    );
  });

  test("no other text is taken for one", () => {
    const id = createTaskId(3, 1_700_000_000_000);
    for (const text of [
      "",
      id.slice(1),
      `${id}0`,
      id.toUpperCase(),
      `zz${id.slice(2)}`,
      `${id.slice(0, -1)}}`,
      `${id}\n`,
      "*",
    ]) {
      expect(parseTaskId(text)).toBeUndefined();
    }
  });

  test("10,000 ids of one millisecond are all different", () => {
    expect(new Set(Array.from({ length: 10_000 }, () => createTaskId(0, 1))).size).toBe(10_000);
  });
});

describe("digests", () => {
  const parts = { model: "m", version: "1", zone: "z", signature: "s", scope: "", salt: "", input: Buffer.from("x") };

  test("change with every part, also where parts run into each other", () => {
    const variants = [
      parts,
      { ...parts, model: "m1", version: "" },
      { ...parts, version: "2" },
      { ...parts, zone: "zs", signature: "" },
      { ...parts, signature: "t" },
      { ...parts, scope: "anna" },
      { ...parts, salt: "1" },
      { ...parts, input: Buffer.from("y") },
      { ...parts, salt: "x", input: Buffer.alloc(0) },
    ];
    expect(digestOf({ ...parts, input: "x" })).toEqual(digestOf(parts));
    expect(digestOf({ ...parts, input: "é€🙂" })).toEqual(digestOf({ ...parts, input: Buffer.from("é€🙂") }));
    expect(new Set(variants.map((variant) => digestOf(variant).text)).size).toBe(variants.length);
    expect(digestOf({ ...parts })).toEqual(digestOf(parts));
  });

  test("spread over all shards", () => {
    const counts = new Array<number>(SHARD_COUNT).fill(0);
    for (let i = 0; i < 16_000; i++) counts[digestOf({ ...parts, input: Buffer.from(String(i)) }).shard]! += 1;
    for (const count of counts) expect(count).toBeGreaterThan(800);
  });
});

describe("lanes", () => {
  test("are read back as they were written", () => {
    const lane = { model: "shapes", version: "3", zone: "local", batchClass: "bulk" as const };
    expect(parseLane(formatLane(lane))).toEqual(lane);
  });
  test.each(["", "a:b:c", "a:b:c:soon", "a:b:c:now:x", ":1:z:now"])("%j is no lane", (text) => {
    expect(parseLane(text)).toBeUndefined();
  });
});

describe("messages between batchers and workers", () => {
  const runId = createTaskId(7, 5);
  const notice = {
    batchId: "b-1",
    batcher: "b",
    lane: "m:1:z:now",
    reason: "full" as const,
    waitMs: 12.5,
    rows: [{ runId, digest: "d", admittedMs: 1_700_000_000_000 }],
  };

  test("are read back as they were written", () => {
    expect(decodeNotice(encodeNotice(notice))).toEqual(notice);
    const credit = { batchId: "b-1", serviceMs: 3, unsettled: [{ runId, why: "apart" as const }] };
    expect(decodeCredit(encodeCredit(credit))).toEqual(credit);
    const output = [{ name: "O", datatype: "FP32", shape: [1], data: Buffer.from([0, 0, 0, 1]) }];
    expect(decodeOutput(encodeOutput(output))).toEqual(output);
  });

  test("random bytes are refused, never thrown at the reader", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(decodeNotice(bytes)).toBeUndefined();
        expect(decodeCredit(bytes)).toBeUndefined();
      }),
      { numRuns: 2_000 },
    );
  });

  test("lists of anything are refused, or are what they should be", () => {
    const id = fc.oneof(fc.string({ maxLength: 5 }), fc.jsonValue());
    const why = fc.oneof(fc.constantFrom("apart", "returned", "unknown"), fc.jsonValue());
    const pairs = fc.oneof(fc.array(fc.oneof(fc.tuple(id, why), fc.jsonValue()), { maxLength: 4 }), fc.jsonValue());
    fc.assert(
      fc.property(id, fc.oneof(fc.nat(), fc.jsonValue()), pairs, (batchId, serviceMs, unsettled) => {
        const message = decodeCredit(packList([1, batchId, serviceMs, unsettled]));
        if (message === undefined) return;
        expect([typeof message.batchId, typeof message.serviceMs]).toEqual(["string", "number"]);
        for (const one of message.unsettled) {
          expect([typeof one.runId, ["apart", "returned", "unknown"].includes(one.why)]).toEqual(["string", true]);
        }
      }),
      {
        numRuns: 2_000,
        examples: [
          ["b", 0, [5]],
          ["b", 0, [null]],
          ["b", 0, [["r", "apart"]]],
        ],
      },
    );
    expect(decodeCredit(packList([1, "b", 0, [["r", "apart"]]]))).toEqual({
      batchId: "b",
      serviceMs: 0,
      unsettled: [{ runId: "r", why: "apart" }],
    });
  });

  test("what a run came to is read back, and anything else is told apart from it", () => {
    const output = encodeOutput([{ name: "O", datatype: "FP32", shape: [1], data: Buffer.from([0, 0, 0, 1]) }]);
    const failure = encodeFailure({ code: "input-rejected", message: "no" });
    expect(decodeFailure(failure)).toEqual({ code: "input-rejected", message: "no" });
    const others = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.integer({ min: 0, max: output.length - 1 }).map((length) => output.subarray(0, length)),
      fc.array(fc.oneof(fc.integer(), fc.string(), fc.constant(null))).map((list) => new Packr().pack(list)),
    );
    fc.assert(
      fc.property(others, (bytes) => {
        try {
          expect(encodeOutput(decodeOutput(bytes)).length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toMatchObject({ code: "upstream-invalid" });
        }
        expect(typeof decodeFailure(bytes).message).toBe("string");
        expect(decodeFailure(bytes).code in ERROR_CODES).toBe(true);
        decodeRecord(bytes);
      }),
      { numRuns: 2_000 },
    );
    expect(() => decodeOutput(output.subarray(0, output.length - 1))).toThrow("cannot be read");
    expect(decodeFailure(failure.subarray(0, 3))).toEqual({ code: "internal", message: expect.any(String) as string });
  });

  test("a notice that names something else than runs is refused: it would become a key", () => {
    expect(
      decodeNotice(encodeNotice({ ...notice, rows: [{ runId: "x}:y", digest: "", admittedMs: 0 }] })),
    ).toBeUndefined();
  });
});

describe("settings", () => {
  test("are complete without any field", () => {
    expect(DEFAULT_SETTINGS.forAll).toMatchObject({
      batchMaxSize: 64,
      batchMaxWaitMs: 50,
      leaseMs: 15_000,
      resultTtlS: 600,
      dedupeTtlS: 300,
    });
  });

  test("a model's own value stands before the common one", () => {
    const set = parseSettings({
      "batch.max_size": "32",
      "model.shapes.batch.max_size": "8",
      "model.a.b-1.lease_ms": "2000",
    });
    expect(set.forAll.batchMaxSize).toBe(32);
    expect(set.forModel("shapes").batchMaxSize).toBe(8);
    expect(set.forModel("a.b-1").leaseMs).toBe(2_000);
    expect(set.forModel("other")).toBe(set.forAll);
  });

  test("every problem of a set is named, bad combinations too", () => {
    const bad = { "batch.max_size": "0", "batch.maxsize": "3", lease_ms: "soon", "model.m.batch.mode": "best" };
    let error: unknown;
    try {
      parseSettings({ ...bad, "batch.max_wait_ms": "5000", "queue.ttl_s": "5" });
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(BrokerError);
    const { message } = error as BrokerError;
    for (const name of [
      "batch.max_size",
      "batch.maxsize",
      "lease_ms",
      "model.m.batch.mode",
      "must be below queue.ttl_s",
    ]) {
      expect(message).toContain(name);
    }
  });
});

describe("Redis URLs", () => {
  test("name one server or some nodes of a Cluster", () => {
    expect(parseRedisUrl("redis://127.0.0.1")).toEqual({
      kind: "single",
      nodes: [{ host: "127.0.0.1", port: 6379 }],
      tls: false,
    });
    expect(parseRedisUrl("rediss-cluster://u:p%40ss@a:1,[::1]:2/")).toEqual({
      kind: "cluster",
      nodes: [
        { host: "a", port: 1 },
        { host: "::1", port: 2 },
      ],
      username: "u",
      password: "p@ss",
      tls: true,
    });
    expect(parseRedisUrl("redis+sentinel://a,b:1/the-master")).toEqual({
      kind: "sentinel",
      nodes: [
        { host: "a", port: 26_379 },
        { host: "b", port: 1 },
      ],
      masterName: "the-master",
      tls: false,
    });
  });
  const badUrls = ["", "http://a", "redis://a:0", "redis://a:99999", "redis://a,b", "redis://", "redis://a/m"];
  test.each([...badUrls, "redis+sentinel://a,b", "redis+sentinel://a/"])("%j is refused", (url) => {
    expect(() => parseRedisUrl(url)).toThrow(BrokerError);
  });
  test("a refusal does not show the password", () => {
    expect(() => parseRedisUrl("redis://u:secret@a,b")).toThrow(/^(?!.*secret)/);
  });
});
