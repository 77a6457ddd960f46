import { mkdirSync, writeFileSync } from "node:fs";
import { Session } from "node:inspector";
import { basename, dirname, join } from "node:path";

/**
 * Preloaded into a process (`node --import`), profiles it from its start to its end, and writes
 * `PROFILE_FOLDER/ROLE-PID.cpuprofile`. (`--cpu-prof` does the same but may not stand in NODE_OPTIONS.)
 */
const session = new Session();
session.connect();
session.post("Profiler.enable");
session.post("Profiler.setSamplingInterval", { interval: 500 });
session.post("Profiler.start");

process.once("exit", () => {
  // The session is in this process: it answers before post() returns.
  session.post("Profiler.stop", (error, result) => {
    if (error !== null) return;
    const folder = process.env["PROFILE_FOLDER"] ?? ".";
    // ROLE/dist/main.js
    const role = basename(dirname(dirname(process.argv[1] ?? "")));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${role}-${process.pid}.cpuprofile`), JSON.stringify(result.profile));
  });
});
