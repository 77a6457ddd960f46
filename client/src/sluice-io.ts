import type { Clock, RedisClient } from "@sluice/broker";
import type { CommandOptions } from "./parse-command.js";

/** What the command touches of the world. */
export interface SluiceIo {
  readonly print: (text: string) => void;
  readonly printError: (text: string) => void;
  readonly redisUrl: string;
  /** Who changes settings, where the command line does not say it. */
  readonly user: string;
  readonly clock: Clock;
  /** Ends what goes on until it is told to stop. */
  readonly signal: AbortSignal;
  /** Only `top` reads it. */
  readonly keyboard: Keyboard;
  /** The size of the terminal; undefined where there is none. */
  readonly screen: () => { readonly rows: number | undefined; readonly columns: number | undefined };
}

/** A stream of keys: `process.stdin`, be it a terminal or not. */
export interface Keyboard {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
  on(event: "data", listener: (bytes: Uint8Array) => void): unknown;
  off(event: "data", listener: (bytes: Uint8Array) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

/** What every command works with. */
export interface CommandDeps {
  readonly redis: RedisClient;
  readonly options: CommandOptions;
  readonly io: SluiceIo;
}
