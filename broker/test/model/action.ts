import type { RedisClient } from "../../src/index.js";
import type { Expected, Moment } from "./unknown.js";
import type { Memory } from "./memory.js";
import type { Rig } from "./rig.js";
import type { World } from "./world.js";

/** Something that Redis does at one moment: it changes the world that it is given, which is a copy. */
export type Step = (world: World, now: Moment) => void;

/** What an action must do: its steps in order, and then what it answers. */
export interface Plan {
  readonly steps: readonly Step[];
  reply(): Expected;
}

/** One call of the broker's API, with all its arguments: it can be sent any number of times. */
export interface Action {
  readonly name: string;
  /** It is not made of steps that others may come between, so it is not sent together with others. */
  readonly onlyAlone?: boolean;
  /** What can do one thing at a time: of the actions that are sent together, at most one is of it. */
  readonly actor?: string;
  send(rig: Rig, redis: RedisClient): Promise<unknown>;
  /** A new plan for each order that is tried. */
  plan(): Plan;
  /** What the caller knows from the reply, if it gets it. */
  learn?(reply: never, memory: Memory): void;
}

/** An action that has no name yet. */
export type Deed = Omit<Action, "name">;

/** The plan of what happens at one moment. */
export function atOnce(step: (world: World, now: Moment) => Expected): Plan {
  let reply: Expected;
  return { steps: [(world, now) => (reply = step(world, now))], reply: () => reply };
}

/** The plan of what happens once for each group of items, each at a moment of its own; replies in the items' order. */
export function atOncePerShard<Item extends { readonly shard: number }>(
  items: readonly Item[],
  step: (world: World, now: Moment, group: readonly Item[]) => readonly Expected[],
): Plan {
  const replies = new Map<Item, Expected>();
  const shards = [...new Set(items.map((item) => item.shard))].sort((a, b) => a - b);
  const steps = shards.map((shard): Step => (world, now) => {
    const group = items.filter((item) => item.shard === shard);
    step(world, now, group).forEach((reply, i) => replies.set(group[i] as Item, reply));
  });
  return { steps, reply: () => items.map((item) => replies.get(item)) };
}

/** Plans one after the other; the last one's reply. */
export function inTurn(...plans: readonly Plan[]): Plan {
  return { steps: plans.flatMap(({ steps }) => steps), reply: () => plans.at(-1)?.reply() };
}

/** A random choice of what to do, made before it is known what there is to do it with. */
export interface Move {
  /** Undefined if there is nothing to do it with. */
  resolve(world: World, memory: Memory): Action | undefined;
  toString(): string;
}

/** A move with its choices, as failures show it. */
export function move<Choice>(
  name: string,
  choice: Choice,
  resolve: (choice: Choice, world: World, memory: Memory) => Deed | undefined,
): Move {
  const label = `${name} ${JSON.stringify(choice)}`;
  return {
    resolve(world, memory) {
      const action = resolve(choice, world, memory);
      return action && { name: label, ...action };
    },
    toString: () => label,
  };
}

/** One of a list, by a random number; undefined if there is none. */
export const pickOf = <Item>(items: readonly Item[], pick: number): Item | undefined => items[pick % items.length];
