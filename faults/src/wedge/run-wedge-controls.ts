import { PROGRESS_LIMIT_MS } from "./judge-wedge.js";
import { runWedge } from "./run-wedge.js";
import { WEDGE_CONTROLS, type WedgeControl } from "./wedge-controls.js";

/** What came of a deliberate break. */
export interface WedgeControlResult {
  readonly name: string;
  /** What the campaign said that did not hold; empty: the break was not noticed. */
  readonly broken: readonly string[];
}

/** Runs each control once on one Redis, all at the same time. @throws Error if a world does not come up. */
export async function runWedgeControls(
  options: {
    readonly seed: string;
    readonly holdMs: number;
    readonly dir: string;
    readonly say: (line: string) => void;
  },
  controls: readonly WedgeControl[] = WEDGE_CONTROLS,
): Promise<WedgeControlResult[]> {
  const { seed, holdMs, say } = options;
  return Promise.all(
    controls.map(async ({ name, fault, patches }, index) => {
      const dir = `${options.dir}-${index + 1}`;
      const lookMs = PROGRESS_LIMIT_MS + 1_000;
      const world = {
        lookMs,
        topology: "S",
        seed: `${seed}-${index + 1}`,
        times: 1,
        worlds: 1,
        holdMs,
        patches,
        dir,
      } as const;
      const results = await runWedge({ ...world, only: fault, say: (line) => say(`${name}: ${line}`) });
      return { name, broken: results.flatMap(({ broken }) => broken) };
    }),
  );
}
