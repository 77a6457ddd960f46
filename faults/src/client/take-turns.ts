/** Runs work, at once or when it is its turn. */
export type TakeTurn = <T>(work: () => Promise<T>) => Promise<T>;

/** At most so many pieces of work run at once; the others begin in the order in which they came. */
export function takeTurns(atOnce: number): TakeTurn {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}
