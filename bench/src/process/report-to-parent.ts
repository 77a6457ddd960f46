import type { Window } from "../measure/task-times.js";
import { exitWithParent } from "./exit-with-parent.js";
import type { ChildMessage } from "./measured-child.js";

/** How long a measurement takes. */
export interface Timing {
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** The window of a child, kept by timers. Times are on performance.now()'s clock. */
export interface MeasuringWindow {
  readonly startMs: number;
  /** When the window is to close: nothing begins later. */
  readonly untilMs: number;
  /** When it really was open. Resolves once it is closed. */
  closed(): Promise<Window>;
}

/** The child's side of `runMeasuredChild`: waits for the plan, measures, sends what it returns and exits. */
export function reportToParent<Plan extends Timing, Report>(
  measure: (plan: Plan, window: MeasuringWindow) => Promise<Report>,
): void {
  exitWithParent();
  const tell = (message: ChildMessage<Report>): void => void process.send?.(message);
  process.once("message", (plan: Plan) => {
    measure(plan, startWindow(plan, { onOpen: () => tell({ kind: "open" }), onClose: () => tell({ kind: "close" }) }))
      .then((report) => process.send?.({ kind: "report", report } satisfies ChildMessage<Report>))
      .catch((error: unknown) => {
        console.error(error);
        process.exit(1);
      });
  });
}

function startWindow({ warmUpMs, measureMs }: Timing, hooks: { onOpen(): void; onClose(): void }): MeasuringWindow {
  const startMs = performance.now();
  const window = new Promise<Window>((resolve) => {
    setTimeout(() => {
      hooks.onOpen();
      const openMs = performance.now();
      setTimeout(() => {
        hooks.onClose();
        resolve({ openMs, closeMs: performance.now() });
      }, measureMs);
    }, warmUpMs);
  });
  return { startMs, untilMs: startMs + warmUpMs + measureMs, closed: () => window };
}
