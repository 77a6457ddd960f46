/** Signals that ask us to stop: Ctrl-C, kill, a terminal that was closed. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** One Ctrl-C may arrive twice: from the terminal, and from the npm that started us. A person needs longer. */
const SAME_MS = 500;

/**
 * Calls `onFirst` at the first signal that asks us to stop, and `onSecond` at each one later than half a second after it.
 */
export function onStopSignals(onFirst: () => void, onSecond: () => void): void {
  let firstMs: number | undefined;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (firstMs === undefined) {
        firstMs = performance.now();
        onFirst();
      } else if (performance.now() - firstMs > SAME_MS) {
        onSecond();
      }
    });
  }
}
