import { expect, test, vi } from "vitest";
import { keys } from "@sluice/broker";
import { admitMany, openEntries, until, useBatchers } from "../../batcher/test/batcher-fixture.js";
import { createKeyboard, sluice, startSluice } from "./sluice-fixture.js";

const fixture = useBatchers();
const url = () => {
  const [node] = fixture.target.nodes;
  return `redis://${node?.host}:${node?.port}`;
};
const lanes = async (...args: string[]) => (await sluice(url(), "lanes", ...args)).out;
/** The cells of the line that begins with this. */
const row = (text: string, first: string) =>
  text
    .split("\n")
    .map((line) => line.trim().split(/ {2,}/))
    .find(([cell]) => cell === first);

test("lanes shows depth, rate, learned times, sizes, credits, slots and reasons, of all batchers together", async () => {
  const { redis } = fixture;
  expect(await lanes()).toBe("pool p: 0 live slots, 0 of 0 credits free\n  no batcher tells anything about it\n");
  await redis.hset(keys.config, { "batch.mode": "adaptive", "batch.max_size": "32" });
  await Promise.all([fixture.batcher(), fixture.batcher()]);
  // Without a worker everything waits.
  await admitMany(redis, 60);
  const depth = async () => row(await lanes(), "m:1:local:now")?.[2];
  await vi.waitFor(async () => expect(await depth()).toBe("60"), { timeout: 10_000, interval: 100 });
  expect(await lanes()).toContain("pool p: 0 live slots, 0 of 0 credits free");

  await fixture.worker({ slots: 2, serviceMs: (size) => 2 + size / 4 });
  // One batch of a size says little: they come until each batcher has seen enough.
  let wave = 0;
  const learned = async () => {
    for (let i = 0; i < 10; i++) await admitMany(redis, 1 + (wave++ % 6));
    return (await lanes()).includes("service times of m:1:local, learned");
  };
  await until(learned, 20_000, "service times in Redis");
  await admitMany(redis, 20);
  await until(async () => (await openEntries(redis)) === 0, 5_000, "all done");
  const settled = async () => (await depth()) === "0";
  await until(settled, 5_000, "told");

  const text = await lanes();
  expect(text).toContain("pool p: 2 live slots, 4 of 4 credits free");
  const [lane = "", mode, open, rate, load = "", enough, most, drift, size, , why = ""] =
    row(text, "m:1:local:now") ?? [];
  expect([lane, mode, open]).toEqual(["m:1:local:now", "adaptive", "0"]);
  for (const cell of [rate, enough, most, drift, size]) expect(Number(cell)).toBeGreaterThan(0);
  expect(Number(most)).toBeLessThanOrEqual(32);
  expect(load).toMatch(/^\d+ %$/);
  expect(why).toMatch(/^(full|marginal|idle|deadline|due) \d+/);
  const [, ...sizes] = row(text, "rows") ?? [];
  const [, ...p50s] = row(text, "p50 ms") ?? [];
  expect(sizes.length).toBeGreaterThanOrEqual(1);
  expect(p50s).toHaveLength(sizes.length);
  // Whatever the machine adds, a batch takes as long as the worker sleeps.
  sizes.forEach((rows, i) => expect(Number(p50s[i])).toBeGreaterThanOrEqual(2 + Number(rows) / 4 - 1));
  expect(text).toContain("1 quiet lane (--all shows them)");
  expect(row(await lanes("--all"), "m:1:local:bulk")?.slice(1, 3)).toEqual(["adaptive", "0"]);
});

test("what a batcher told goes with it", async () => {
  const { redis } = fixture;
  const batcher = await fixture.batcher();
  await admitMany(redis, 3);
  await vi.waitFor(async () => expect(row(await lanes(), "m:1:local:now")?.[2]).toBe("3"), 10_000);
  await batcher.stop();
  await vi.waitFor(async () => expect(await lanes()).toContain("no batcher tells anything"), 5_000);
});

test("top draws the lanes again and again, and gives the terminal back when q is pressed", async () => {
  await fixture.batcher();
  const keyboard = createKeyboard();
  const { printed, ended } = startSluice(url(), ["top", "--all"], {
    keyboard,
    screen: () => ({ rows: 4, columns: 30 }),
  });
  const frames = () => printed.out.split("\u001b[H").slice(1);
  await vi.waitFor(() => expect(frames().length).toBeGreaterThanOrEqual(3), 10_000);
  for (const frame of frames()) {
    const lines = frame.replaceAll("\u001b[K", "").split("\u001b[J")[0]?.split("\r\n") ?? [];
    expect(lines.length).toBeLessThanOrEqual(4);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(30);
  }
  expect(frames().at(-1)).toContain("pool p: 0 live slots");
  expect(keyboard.rawModes).toEqual([true]);
  keyboard.press("x");
  keyboard.press("q");
  expect(await ended).toBe(0);
  expect(keyboard.rawModes).toEqual([true, false]);
  expect(printed.out.startsWith("\u001b[?1049h\u001b[?25l")).toBe(true);
  expect(printed.out.endsWith("\u001b[?25h\u001b[?1049l")).toBe(true);
});
