/** How many are let through at a time, and how often. */
export interface ReleasePace {
  readonly count: number;
  readonly everyMs: number;
}

/** A gate that opens every `everyMs` for the `count` who have waited longest; each call waits for its turn. */
export function createGate({ count, everyMs }: ReleasePace): () => Promise<void> {
  const waiting: (() => void)[] = [];
  setInterval(() => {
    for (const letThrough of waiting.splice(0, count)) letThrough();
  }, everyMs);
  return () => new Promise((resolve) => waiting.push(resolve));
}
