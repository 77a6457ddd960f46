import { EventEmitter } from "node:events";
import { systemClock } from "@sluice/broker";
import { runSluice } from "../src/run-sluice.js";
import type { Keyboard, SluiceIo } from "../src/sluice-io.js";

/** What one command printed, and how it ended. */
export interface SluiceRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Keys that nobody presses, but for a test. */
export function createKeyboard(): Keyboard & { press(key: string): void; readonly rawModes: boolean[] } {
  const emitter = new EventEmitter();
  const rawModes: boolean[] = [];
  return {
    isTTY: true,
    rawModes,
    setRawMode: (raw) => rawModes.push(raw),
    on: (event, listener) => emitter.on(event, listener),
    off: (event, listener) => emitter.off(event, listener),
    resume: () => undefined,
    pause: () => undefined,
    press: (key) => void emitter.emit("data", Buffer.from(key)),
  };
}

/** A command that goes on until it is told to stop. */
export function startSluice(redisUrl: string, args: readonly string[], io: Partial<SluiceIo> = {}) {
  const printed = { out: "", err: "" };
  const stop = new AbortController();
  const ended = runSluice(args, {
    print: (text) => void (printed.out += text),
    printError: (text) => void (printed.err += text),
    redisUrl,
    user: "anna@here",
    clock: systemClock,
    signal: stop.signal,
    keyboard: createKeyboard(),
    screen: () => ({ rows: undefined, columns: undefined }),
    ...io,
  });
  return { printed, ended, stop: () => stop.abort() };
}

/** A command from its start to its end. */
export async function sluice(redisUrl: string, ...args: readonly string[]): Promise<SluiceRun> {
  const { printed, ended } = startSluice(redisUrl, args);
  return { code: await ended, ...printed };
}
