import { randomFillSync } from "node:crypto";

/** Random bytes from the system's generator, a slice at a time. */
export type TakeEntropy = (bytes: number) => Uint8Array;

const POOL_BYTES = 8 * 1024;

/** Asks the generator for 8 KB at a time: a call for each task id costs four times as much as the id itself. */
export function createEntropy(): TakeEntropy {
  const pool = Buffer.alloc(POOL_BYTES);
  let used = POOL_BYTES;
  return (bytes) => {
    if (used + bytes > POOL_BYTES) {
      randomFillSync(pool);
      used = 0;
    }
    used += bytes;
    return pool.subarray(used - bytes, used);
  };
}
