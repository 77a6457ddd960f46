import { expect, test } from "vitest";
import type { Endpoint } from "../../src/endpoint.js";
import { chooseEndpoint, peerTimes } from "../../src/endpoints/choose-endpoint.js";

/** An endpoint of two slots, of which only these things are looked at. */
function endpointAt(
  url: string,
  {
    isOpen = false,
    inHand = 0,
    stretch = 1,
    usualMs,
  }: Partial<Record<"inHand" | "stretch" | "usualMs", number>> & {
    isOpen?: boolean;
  } = {},
): Endpoint {
  const place = { signal: new AbortController().signal, end: () => undefined };
  const looked: Partial<Endpoint> = {
    url,
    isReady: () => true,
    limit: () => 2,
    inHand: () => inHand,
    admit: () => (isOpen ? undefined : place),
    stretch: () => (isOpen ? undefined : stretch),
    usualMs: () => usualMs,
  };
  return looked as Endpoint;
}

const chosenOf = (all: readonly [Endpoint, ...Endpoint[]]) => chooseEndpoint(all[0], all, "m:1")?.endpoint.url;

test("a batch runs where its slot is; where the breaker is open, on the emptiest of the others that work", () => {
  expect(chosenOf([endpointAt("own"), endpointAt("other")])).toBe("own");
  const others = [endpointAt("full", { inHand: 2 }), endpointAt("broken", { isOpen: true }), endpointAt("idle")];
  expect(chosenOf([endpointAt("own", { isOpen: true }), ...others])).toBe("idle");
});

test("is left when the others have twice as much in hand as they have slots", () => {
  const own = endpointAt("own", { isOpen: true });
  expect(chosenOf([own, endpointAt("busy", { inHand: 3 })])).toBe("busy");
  expect(chosenOf([own, endpointAt("busy", { inHand: 4 })])).toBeUndefined();
  expect(chosenOf([own])).toBeUndefined();
});

test("peers are those that work; the best of them counts, in stretch and in time", () => {
  const all = [
    endpointAt("own", { usualMs: 1 }),
    endpointAt("quick", { stretch: 3, usualMs: 5 }),
    endpointAt("usual", { stretch: 2, usualMs: 50 }),
    endpointAt("new", { stretch: 4 }),
    endpointAt("broken", { isOpen: true, usualMs: 1 }),
  ];
  const peers = peerTimes(all, "own", "m:1");
  expect([peers?.stretch, peers?.usualMs(8)]).toEqual([2, 5]);
  expect(peerTimes([endpointAt("own"), endpointAt("new")], "own", "m:1")?.usualMs(8)).toBeUndefined();
  expect(peerTimes([endpointAt("own"), endpointAt("broken", { isOpen: true })], "own", "m:1")).toBeUndefined();
});
