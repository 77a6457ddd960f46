import { describe, expect, test } from "vitest";
import { BrokerError, confirmsEarly, type Durability, type RedisClient, wasNotCarriedOut } from "../src/index.js";
import { confirmationOf, doubtsOf, obstaclesOf, risksOf } from "../src/redis/durability.js";
import { createGroupConfirm } from "../src/redis/group-confirm.js";
import { parseInfo, type ServerFacts } from "../src/redis/server-facts.js";

const FSYNC: Durability = { level: "fsync" };
const REPLICATED: Durability = { level: "replicated", replicas: 1 };
const MEMORY: Durability = { level: "memory" };

const factsOf = (change: Partial<ServerFacts> = {}): ServerFacts => ({
  address: "h:1",
  runId: "r1",
  version: [7, 0, 15],
  maxmemoryPolicy: "noeviction",
  appendOnly: true,
  appendFsync: "everysec",
  pausesFsync: false,
  logFails: false,
  snapshotFails: false,
  knowsWaitAof: false,
  replicas: 1,
  ...change,
});

describe("what confirms a write", () => {
  const FORCED = "no-appendfsync-on-rewrite no";
  const ALWAYS = { appendFsync: "always", knowsWaitAof: true };
  test.each([
    { name: "replicated", durability: REPLICATED, facts: {}, words: "WAIT 1 1000", good: [1, 2], bad: [0] },
    {
      name: "fsync",
      durability: FSYNC,
      facts: { knowsWaitAof: true },
      words: "WAITAOF 1 0 3000",
      good: [[1, 0]],
      bad: [[0, 0], 1],
    },
    {
      name: "fsync where each write is forced to the disk: that it still is",
      durability: FSYNC,
      facts: ALWAYS,
      words: "CONFIG GET appendonly appendfsync no-appendfsync-on-rewrite",
      good: [`appendonly yes appendfsync always ${FORCED}`, `${FORCED} appendfsync always appendonly yes`].map((text) =>
        text.split(" "),
      ),
      bad: [
        ...[
          `appendonly yes appendfsync everysec ${FORCED}`,
          `appendonly no appendfsync always ${FORCED}`,
          "appendonly yes appendfsync always no-appendfsync-on-rewrite yes",
        ].map((text) => text.split(" ")),
        [],
      ],
    },
  ])("$name", ({ durability, facts, words, good, bad }) => {
    const confirmation = confirmationOf(durability, factsOf(facts));
    expect([confirmation?.command, ...(confirmation?.args ?? [])].join(" ")).toBe(words);
    for (const reply of good) expect(confirmation?.holds(reply), JSON.stringify(reply)).toBe(true);
    for (const reply of bad) expect(confirmation?.holds(reply), JSON.stringify(reply)).toBe(false);
  });

  test("memory: nothing does", () => expect(confirmationOf(MEMORY, factsOf())).toBeUndefined());
});

describe("a server is refused at start", () => {
  test.each([
    ["that is too old", MEMORY, { version: [6, 2, 14] }, /older than 7.0/],
    ["without AOF, at fsync", FSYNC, { appendOnly: false }, /appendonly yes/],
    [
      "that never forces its AOF to the disk, at fsync",
      FSYNC,
      { appendFsync: "no", knowsWaitAof: true },
      /appendfsync/,
    ],
    [
      "that forces nothing to the disk while it writes its log anew, at fsync",
      FSYNC,
      { appendFsync: "always", pausesFsync: true },
      /no-appendfsync-on-rewrite no/,
    ],
    ["that cannot confirm what is on the disk, at fsync", FSYNC, {}, /WAITAOF/],
  ] as const)("%s", (_name, durability, facts, message) => {
    expect(obstaclesOf(durability, factsOf(facts))).toEqual([expect.stringMatching(message)]);
  });

  test.each([
    [MEMORY, { appendOnly: false }],
    [FSYNC, { appendFsync: "always" }],
    [FSYNC, { knowsWaitAof: true }],
    [REPLICATED, { replicas: 0 }],
    [MEMORY, { version: [8, 2, 0] }],
  ] as const)("and not at %o with %o", (durability, facts) => {
    expect(obstaclesOf(durability, factsOf(facts))).toEqual([]);
  });
});

test("eviction, refused writes and missing replicas are doubts that may pass", () => {
  expect(doubtsOf(MEMORY, factsOf({ maxmemoryPolicy: "volatile-lru" }))).toEqual([
    expect.stringContaining("set noeviction"),
  ]);
  expect(doubtsOf(MEMORY, factsOf({ logFails: true }))).toEqual([expect.stringContaining("log cannot be written")]);
  expect(doubtsOf(MEMORY, factsOf({ snapshotFails: true }))).toEqual([expect.stringContaining("snapshot failed")]);
  expect(doubtsOf(REPLICATED, factsOf({ replicas: 0 }))).toEqual(["0 of 1 replicas are connected"]);
  expect(doubtsOf(REPLICATED, factsOf())).toEqual([]);
  expect(doubtsOf(MEMORY, factsOf({ replicas: 0 }))).toEqual([]);
  expect(risksOf(REPLICATED, factsOf({ replicas: 2 }))).toEqual([
    "2 replicas are connected and 1 confirm: a failover may promote one that did not",
  ]);
  expect(risksOf(REPLICATED, factsOf())).toEqual([]);
  expect(risksOf(MEMORY, factsOf({ replicas: 2 }))).toEqual([]);
});

test("INFO is read line by line", () => {
  const info = parseInfo(
    "# Server\r\nredis_version:7.2.4\r\nexecutable:/a:b\r\n\r\n# Memory\r\nmaxmemory_policy:noeviction\r\n",
  );
  expect(Object.fromEntries(info)).toEqual({
    redis_version: "7.2.4",
    executable: "/a:b",
    maxmemory_policy: "noeviction",
  });
});

test("an unconfirmed write may have been carried out, whatever the reason", () => {
  const reply = Object.assign(new Error("ERR WAITAOF cannot be used"), { name: "ReplyError" });
  expect(wasNotCarriedOut(new BrokerError("durability-unconfirmed", "x", { cause: reply }))).toBe(false);
});

describe("confirmations in groups", () => {
  /** Confirmations that end when they are told to. */
  function scripted() {
    const ends: { resolve: () => void; reject: (error: Error) => void }[] = [];
    const confirm = createGroupConfirm(() => new Promise<void>((resolve, reject) => ends.push({ resolve, reject })));
    return { ends, confirm };
  }

  test("one is under way, one more serves all that came meanwhile", async () => {
    const { ends, confirm } = scripted();
    const done: string[] = [];
    const first = confirm().then(() => done.push("first"));
    const later = ["a", "b", "c"].map((name) => confirm().then(() => done.push(name)));
    expect(ends).toHaveLength(1);
    ends[0]?.resolve();
    await first;
    expect(done).toEqual(["first"]);
    expect(ends).toHaveLength(2);
    ends[1]?.resolve();
    await Promise.all(later);
    expect(done).toEqual(["first", "a", "b", "c"]);
    void confirm();
    expect(ends).toHaveLength(3);
  });

  test("one that fails fails those that waited for it, and the next is made all the same", async () => {
    const { ends, confirm } = scripted();
    const first = confirm();
    const second = confirm();
    ends[0]?.reject(new Error("no"));
    await expect(first).rejects.toThrow("no");
    expect(ends).toHaveLength(2);
    ends[1]?.resolve();
    await expect(second).resolves.toBeUndefined();
  });
});

describe("confirmsEarly", () => {
  /** A server whose confirmations take so long, one after the other; the last goes on. */
  const fake = (confirmMs: readonly number[], confirmed = 1) => {
    let calls = 0;
    return {
      set: () => Promise.resolve("OK"),
      call: () =>
        new Promise((resolve) =>
          setTimeout(() => resolve([confirmed, 0]), confirmMs[Math.min(calls++, confirmMs.length - 1)]),
        ),
    } as unknown as RedisClient;
  };

  test("tells a server that answers at once from one that waits for its next forced write", async () => {
    expect(await confirmsEarly(fake([1]), "k")).toBe(true);
    expect(await confirmsEarly(fake([1, 600]), "k")).toBe(false);
  });

  test("trusts a server that counts whole seconds: one of its gaps may be short", async () => {
    expect(await confirmsEarly(fake([1, 300, 1_000]), "k")).toBe(false);
  });

  test("gives no verdict where nothing is confirmed", async () => {
    await expect(confirmsEarly(fake([1], 0), "k")).rejects.toThrow(/did not confirm/);
  });
});
