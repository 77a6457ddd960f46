import { readConfig } from "./config.js";
import { createProgress } from "./progress.js";
import { runUntilStopped } from "./start/run-until-stopped.js";
import { onStopSignals } from "./start/stop-signals.js";

const progress = createProgress(process.stdout);
// A terminal that was closed must not keep us from stopping in order.
process.stdout.on("error", () => undefined);

const told = new AbortController();
onStopSignals(
  () => told.abort(),
  () => {
    progress.say("Not waiting any longer.");
    // What we started ends with us, in 8 s at most.
    process.exit(1);
  },
);

try {
  await runUntilStopped(readConfig(undefined, process.argv.slice(2)), progress, told.signal);
  process.exit(0);
} catch (error) {
  progress.say(`\n${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
