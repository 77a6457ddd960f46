import { setTimeout as sleep } from "node:timers/promises";
import { BrokerError, createModelRegistry, readSettingsState } from "@sluice/broker";
import { pino } from "pino";
import { formatTime } from "../config/format-change.js";
import { formatPools } from "../lanes/format-pools.js";
import { readPools } from "../lanes/read-pools.js";
import type { CommandDeps, Keyboard } from "../sluice-io.js";
import { drawFrame, ENTER_SCREEN, LEAVE_SCREEN } from "./screen.js";

const REFRESH_MS = 1_000;
/** q, Q and Ctrl-C, which a terminal in raw mode makes no signal of. */
const QUIT_KEYS = ["q", "Q", "\u0003"];

/** `sluice top`: the lanes, again and again, until q, Ctrl-C or the signal. The terminal is then as it was. */
export async function runTop({ redis, options, io }: CommandDeps): Promise<void> {
  const models = createModelRegistry(redis, pino({ level: "silent" }));
  await models.start();
  const quit = new AbortController();
  const signal = AbortSignal.any([quit.signal, io.signal]);
  const letGo = listenForQuit(io.keyboard, () => quit.abort());
  const look = async (): Promise<string[]> => {
    try {
      const { problems } = await readSettingsState(redis);
      const refused =
        problems.length > 0 ? [`settings refused: ${problems.map(({ reason }) => reason).join("; ")}`] : [];
      return [...refused, "", ...formatPools(await readPools({ redis, models, clock: io.clock }), options)];
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      return ["", `${error.message}; waiting for Redis`];
    }
  };
  io.print(ENTER_SCREEN);
  try {
    while (!signal.aborted) {
      const lines = [`sluice top  ${formatTime(io.clock.epochMs())}  q ends it`, ...(await look())];
      io.print(drawFrame(lines, io.screen()));
      await sleep(REFRESH_MS, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    io.print(LEAVE_SCREEN);
    letGo();
    await models.stop();
  }
}

/** @returns what gives the keyboard back. */
function listenForQuit(keyboard: Keyboard, quit: () => void): () => void {
  const listener = (bytes: Uint8Array): void => {
    const typed = Buffer.from(bytes).toString("latin1");
    if (QUIT_KEYS.some((key) => typed.includes(key))) quit();
  };
  if (keyboard.isTTY === true) keyboard.setRawMode?.(true);
  keyboard.on("data", listener);
  keyboard.resume();
  return () => {
    keyboard.off("data", listener);
    if (keyboard.isTTY === true) keyboard.setRawMode?.(false);
    keyboard.pause();
  };
}
