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

/** Called by the child when what counts begins and ends. */
export interface WindowSignals {
  readonly onOpen: () => void;
  readonly onClose: () => void;
}

/** The child's side of `runMeasuredChild` for one window: waits for the plan, measures, sends what it returns. */
export function reportToParent<Plan extends Timing, Report>(
  measure: (plan: Plan, window: MeasuringWindow) => Promise<Report>,
): void {
  answerParent<Plan, Report>((plan, signals) => measure(plan, startWindow(plan, signals)));
}

/** The same for work that keeps its own time, and tells its parent by itself when to take readings. */
export function answerParent<Plan, Report>(work: (plan: Plan, signals: WindowSignals) => Promise<Report>): void {
  exitWithParent();
  const tell = (message: ChildMessage<Report>): void => void process.send?.(message);
  process.once("message", (plan: Plan) => {
    work(plan, { onOpen: () => tell({ kind: "open" }), onClose: () => tell({ kind: "close" }) })
      .then((report) => tell({ kind: "report", report }))
      .catch((error: unknown) => {
        console.error(error);
        process.exit(1);
      });
  });
}

function startWindow({ warmUpMs, measureMs }: Timing, signals: WindowSignals): MeasuringWindow {
  const startMs = performance.now();
  const window = new Promise<Window>((resolve) => {
    setTimeout(() => {
      signals.onOpen();
      const openMs = performance.now();
      setTimeout(() => {
        signals.onClose();
        resolve({ openMs, closeMs: performance.now() });
      }, measureMs);
    }, warmUpMs);
  });
  return { startMs, untilMs: startMs + warmUpMs + measureMs, closed: () => window };
}
