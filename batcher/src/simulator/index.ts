export { lineCurve } from "./gpu-curve.js";
export { replay } from "./arrivals.js";
export { type Experiment, runExperiment, WARM_UP_SHARE } from "./experiment.js";
export { ADAPTIVE_DEFAULTS, adaptivePolicy } from "./simulated-policy.js";
export type { Outcome } from "./tally.js";
