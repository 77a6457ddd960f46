import { createProgress } from "./progress.js";
import { prepareMachine } from "./setup/prepare-machine.js";

// Installs what tests and benchmarks run: a Redis and a Triton of our own.
const progress = createProgress(process.stdout);
try {
  await prepareMachine({}, progress);
} catch (error) {
  progress.say(`\n${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
