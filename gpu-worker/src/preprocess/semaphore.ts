/** Runs a task as soon as fewer than the limit run; those that wait are taken in order. */
export type Semaphore = <T>(task: () => Promise<T>) => Promise<T>;

/** A semaphore for at most `limit` tasks at a time. */
export function createSemaphore(limit: number): Semaphore {
  const waiting: (() => void)[] = [];
  let free = limit;
  return async (task) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await task();
    } finally {
      // The place goes straight to the next in line, so that nobody can slip in between.
      const next = waiting.shift();
      if (next) next();
      else free++;
    }
  };
}
