import { expect, test } from "vitest";
import { EndpointHealth } from "../../src/health/endpoint-health.js";

/** Another endpoint that takes so much longer than usual, whatever that is; undefined for none. */
const peersAt = (stretch: number | undefined) => () =>
  stretch === undefined ? undefined : { stretch, usualMs: () => undefined };

function fail(health: EndpointHealth, model: string, nowMs: number): void {
  for (let i = 0; i < 3; i++) health.callBegins(model, 1, nowMs)("failed", nowMs);
}

test("a model that fails is not run there, others are; when no model works, one slot sees after a while", () => {
  const health = new EndpointHealth(peersAt(1));
  expect(health.rotation(0, ["good", "bad"])).toBe("all");
  health.callBegins("good", 1, 0)("answered", 5);
  fail(health, "bad", 10);
  expect(health.admit("bad", 11)).toBeUndefined();
  expect(health.admit("good", 11)).toBeDefined();
  expect([health.rotation(11, ["good", "bad"]), health.stretch("bad", 11), health.stretch("good", 11)]).toEqual([
    "all",
    undefined,
    1,
  ]);
  expect(health.states(11)).toEqual([
    { model: "good", state: "closed" },
    { model: "bad", state: "open" },
  ]);
  fail(health, "good", 20);
  expect([
    health.rotation(20, ["good", "bad"]),
    health.rotation(509, ["good", "bad"]),
    health.rotation(510, ["good", "bad"]),
  ]).toEqual(["none", "none", "one"]);
  const trial = health.admit("bad", 511);
  expect(health.admit("bad", 512)).toBeUndefined();
  health.callBegins("bad", 1, 512)("answered", 517);
  trial?.end();
  expect([health.rotation(518, ["good", "bad"]), health.admit("bad", 518)]).toMatchObject(["all", {}]);
});

test("bad data closes no doubt: the server answered; calls that were taken back say nothing", () => {
  const health = new EndpointHealth(peersAt(1));
  for (let i = 0; i < 9; i++) health.callBegins("m", 1, i)(i % 3 === 2 ? "refused" : "failed", i);
  expect(health.rotation(9, ["m"])).toBe("all");
  for (let i = 0; i < 9; i++) health.callBegins("m", 1, i)("unknown", i);
  expect(health.rotation(9, ["m"])).toBe("all");
  fail(health, "m", 10);
  expect(health.rotation(10, ["m"])).toBe("none");
});

test.each([
  [1, "none"],
  [10, "all"],
  [undefined, "all"],
])("an endpoint ten times slower than usual, with peers at %s, has its slots: %s", (peers, rotation) => {
  const health = new EndpointHealth(peersAt(peers));
  let nowMs = 0;
  const call = (ms: number) => {
    const ends = health.callBegins("m", 8, nowMs);
    nowMs += ms;
    health.look(nowMs);
    ends("answered", nowMs);
  };
  for (let i = 0; i < 20; i++) call(10);
  for (let i = 0; i < 12; i++) call(100);
  expect(health.rotation(nowMs, ["m"])).toBe(rotation);
});

test("a model that was not used here is thought to work, whatever the others do", () => {
  const health = new EndpointHealth(peersAt(1));
  fail(health, "bad", 0);
  expect([health.rotation(1, ["bad"]), health.rotation(1, ["bad", "unused"])]).toEqual(["none", "all"]);
  health.callBegins("unused", 1, 1)("answered", 2);
  expect(health.rotation(2, ["bad", "unused"])).toBe("all");
  fail(health, "unused", 3);
  expect(health.rotation(3, ["bad", "unused"])).toBe("none");
});

test.each([
  ["proven, and another could do it: left alone at once", true, 1, [true, "open"]],
  ["proven, and there is no other: it is what there is", true, undefined, [false, "closed"]],
  ["not proven: it counts as one failure", false, 1, [false, "closed"]],
])("an endpoint that is to blame, %s", (_how, isProven, peers, expected) => {
  const health = new EndpointHealth(peersAt(peers));
  expect([health.blamed("m", isProven, 0), health.states(0)[0]?.state]).toEqual(expected);
  for (let i = 0; i < 2; i++) health.blamed("m", false, 0);
  expect(health.states(0)[0]?.state).toBe(isProven && peers === undefined ? "closed" : "open");
});

test("looking names the models that are left alone from then on, once", () => {
  const health = new EndpointHealth(peersAt(1));
  for (let nowMs = 0; nowMs < 200; nowMs += 10) health.callBegins("m", 8, nowMs)("answered", nowMs + 10);
  const ends = Array.from({ length: 2 }, () => health.callBegins("m", 8, 200));
  expect(health.look(210)).toEqual([]);
  const named = Array.from({ length: 60 }, (_, nth) => {
    const slow = health.look(250 + 50 * nth);
    if (slow.length > 0) for (const end of ends.splice(0)) end("unknown", 250 + 50 * nth);
    return slow;
  });
  expect(named.flat()).toEqual(["m"]);
});

/** An endpoint that knows its calls of ten milliseconds. */
function learned(peers: number | undefined): EndpointHealth {
  const health = new EndpointHealth(peersAt(peers));
  for (let nowMs = 0; nowMs < 200; nowMs += 10) health.callBegins("m", 8, nowMs)("answered", nowMs + 10);
  return health;
}

test("what is left alone at the end of a slow call is named by the next look, so that what hangs beside it is taken back", () => {
  const health = learned(1);
  health.callBegins("m", 8, 200);
  for (let nowMs = 200; nowMs < 1_400; nowMs += 100) health.callBegins("m", 8, nowMs)("answered", nowMs + 100);
  expect(health.states(1_400)).toMatchObject([{ state: "open" }]);
  expect([health.look(1_401), health.look(1_450)]).toEqual([["m"], []]);
});

test.each([
  ["with another that could do it is left alone again as soon as it is late", 1, [[], ["m"], []], "open"],
  ["without another goes on, for slow is better than nothing", undefined, [[], [], []], "half-open"],
])("a trial that hangs, %s", (_how, peers, looks, state) => {
  const health = learned(peers);
  fail(health, "m", 300);
  expect(health.admit("m", 800)).toBeDefined();
  health.callBegins("m", 8, 800);
  expect([health.look(850), health.look(851), health.look(900)]).toEqual(looks);
  expect(health.states(900)).toEqual([{ model: "m", state }]);
});
