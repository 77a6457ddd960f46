import fc from "fast-check";
import { BrokerError } from "../../src/index.js";
import type { Action } from "./action.js";
import { expectedState } from "./expected-state.js";
import { createMemory, type Memory } from "./memory.js";
import { createPromise, type PromiseWatch } from "./promise.js";
import type { Rig } from "./rig.js";
import { differences, Moment, Undecided } from "./unknown.js";
import { copyWorld, createWorld, type World } from "./world.js";

/** One run: a Redis, what the model says of it, and what the callers know. */
export interface Session {
  readonly rig: Rig;
  readonly memory: Memory;
  readonly promise: PromiseWatch;
  world: World;
  /** Server time of the last look. */
  lookedMs: number;
  /** How many steps were carried out. */
  steps: number;
}

/** Begins with nothing in Redis. */
export async function createSession(rig: Rig): Promise<Session> {
  await rig.reset();
  const { nowMs } = await rig.look();
  return { rig, memory: createMemory(), promise: createPromise(), world: createWorld(), lookedMs: nowMs, steps: 0 };
}

/**
 * Sends actions, all at the same time, each over a connection of its own, and looks at everything. There must be an
 * order of their steps in which the model gives exactly these replies, this state and these messages; the model then
 * goes on from there.
 * @param lost the callers do not get their replies.
 * @throws Error with what is different in the order that comes nearest.
 */
export async function perform(session: Session, actions: readonly Action[], lost = false): Promise<void> {
  const { rig, memory } = session;
  const replies = await Promise.all(
    actions.map((action, i) => replyOf(action.send(rig, rig.clients[i % rig.clients.length] as never))),
  );
  const seen = await rig.look();
  const window = { fromMs: session.lookedMs, untilMs: seen.nowMs, order: session.steps };
  let nearest: string[] | undefined;
  for (const order of interleavings(actions.map((action) => action.plan().steps.length))) {
    const { world, expected } = decided(() => follow(session.world, actions, order, window));
    const found = lost ? [] : differences(expected, replies.map(plain), "reply");
    const held = Object.fromEntries(rig.blobs.held);
    found.push(
      ...differences(expectedState(world), seen.state, ""),
      ...differences(Object.fromEntries(world.blobs), held, "blobs"),
      ...differences(byChannel(world.messages), seen.messages, "published"),
    );
    if (found.length === 0) {
      session.world = world;
      session.lookedMs = seen.nowMs;
      session.steps += order.length;
      memory.sent.push(...actions);
      memory.admissions.push(...actions.filter(({ name }) => name.startsWith("admit ")));
      if (!lost) actions.forEach((action, i) => action.learn?.(replies[i] as never, memory));
      session.promise.check(world);
      return;
    }
    if (!nearest || found.length < nearest.length) nearest = found;
  }
  // After a second without a reply a blocking reader gives up: a machine that pauses so long proves nothing.
  fc.pre(window.untilMs - window.fromMs < 900);
  const names = actions.map(({ name }) => name).join(" || ");
  throw new Error(`${names}: Redis is not where the model is\n  ${nearest?.join("\n  ")}`);
}

/** The model after the steps of all actions in one order. */
function follow(
  from: World,
  actions: readonly Action[],
  order: readonly number[],
  { fromMs, untilMs, order: first }: { readonly fromMs: number; readonly untilMs: number; readonly order: number },
) {
  const world = copyWorld(from);
  world.messages = [];
  const plans = actions.map((action) => action.plan());
  const next = plans.map(() => 0);
  for (const [i, index] of order.entries()) {
    const step = next[index] ?? 0;
    plans[index]?.steps[step]?.(world, new Moment(fromMs, untilMs, first + i));
    next[index] = step + 1;
  }
  return { world, expected: plans.map((plan) => plan.reply()) };
}

/** How many orders there are, for so many steps of each action. */
export function countInterleavings(counts: readonly number[]): number {
  let [steps, orders] = [0, 1];
  for (const count of counts) for (let i = 1; i <= count; i++) orders = (orders * ++steps) / i;
  return orders;
}

/** All orders of the steps of several actions, each action's own steps staying in order: lists of indexes of actions. */
function* interleavings(counts: readonly number[]): Generator<number[]> {
  if (counts.every((count) => count === 0)) yield [];
  for (const [index, count] of counts.entries()) {
    if (count === 0) continue;
    const rest = counts.map((other, i) => (i === index ? other - 1 : other));
    for (const order of interleavings(rest)) yield [index, ...order];
  }
}

/** A run in which two times come too close to be told apart proves nothing: it is left. */
function decided<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof Undecided) fc.pre(false);
    throw error;
  }
}

async function replyOf(call: Promise<unknown>): Promise<unknown> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof BrokerError) return error;
    throw error;
  }
}

/** Replies as the model writes them: bytes are text, errors their code. */
function plain(reply: unknown): unknown {
  if (reply instanceof BrokerError) return { error: reply.code };
  if (Buffer.isBuffer(reply)) return reply.toString("latin1");
  if (Array.isArray(reply)) return reply.map(plain);
  if (typeof reply !== "object" || reply === null) return reply;
  return Object.fromEntries(Object.entries(reply).map(([name, value]) => [name, plain(value)]));
}

function byChannel(messages: World["messages"]): Record<string, string[]> {
  const channels: Record<string, string[]> = {};
  for (const { channel, text } of messages) (channels[channel] ??= []).push(text);
  return channels;
}
