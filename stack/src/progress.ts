/** Tells a person what takes time. */
export interface Progress {
  /** Says that `what` is being done, for how long already, and how long it took. Steps do not overlap. */
  step<T>(what: string, work: () => Promise<T>): Promise<T>;
  /** One line of text. */
  say(line: string): void;
}

/** Says nothing. */
export const silentProgress: Progress = { step: (_what, work) => work(), say: () => undefined };

/** Where progress goes: process.stdout, say. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/**
 * On a terminal a step is one line whose seconds run; elsewhere one line at its beginning, one at its end, and one every
 * 15 s between, without control characters.
 */
export function createProgress(output: ProgressOutput): Progress {
  const secondsSince = (startMs: number): string => `${((performance.now() - startMs) / 1000).toFixed(1)} s`;
  const rewrite = output.isTTY === true;
  return {
    step: async (what, work) => {
      const startMs = performance.now();
      const show = (): unknown => output.write(`${rewrite ? "\r\x1b[K" : ""}  ${what} ... ${secondsSince(startMs)}`);
      if (rewrite) show();
      else output.write(`  ${what} ...\n`);
      const timer = setInterval(
        () => (rewrite ? show() : output.write(`  ${what} ... ${secondsSince(startMs)}\n`)),
        rewrite ? 1000 : 15_000,
      );
      try {
        const result = await work();
        output.write(`${rewrite ? "\r\x1b[K" : ""}  ${what}: done in ${secondsSince(startMs)}\n`);
        return result;
      } catch (error) {
        output.write(`${rewrite ? "\r\x1b[K" : ""}  ${what}: failed after ${secondsSince(startMs)}\n`);
        throw error;
      } finally {
        clearInterval(timer);
      }
    },
    say: (line) => void output.write(`${line}\n`),
  };
}
