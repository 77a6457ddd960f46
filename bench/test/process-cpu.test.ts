import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { cpuPerTask, parseMachineTicks, parseProcessStat, readCpu } from "../src/measure/process-cpu.js";

describe("parseProcessStat", () => {
  it("counts its fields from the end of the program's name, which may hold anything", () => {
    const stat = "812 (a) R (b c) S 17 812 812 0 -1 4194304 97 0 0 0 250 31 7 9 20 0 11 0 318795 3133440";
    expect(parseProcessStat(stat)).toEqual({ pid: 812, parentPid: 17, cpuTicks: 281, endedChildrenTicks: 16 });
  });
});

describe("parseMachineTicks", () => {
  it("adds up all that is neither idle nor waiting, and no guest twice", () => {
    const stat = "cpu  100 2 30 9000 400 5 6 7 88 9\ncpu0 50 1 15 4500 200 2 3 3 44 4\n";
    expect(parseMachineTicks(stat)).toBe(150);
  });
});

describe("readCpu", () => {
  it.each([
    ["lives", 'process.once("disconnect", () => process.exit());'],
    ["has ended", ""],
  ])(
    "counts what a process and its child have used, each under its own name, also when the child %s",
    async (_, keep) => {
      const child = await startBusyParent(keep);
      try {
        const watched = [{ name: "parent", pid: child.pid ?? 0, childrenName: "child" }];
        const before = readCpu(watched);
        const isDone = told(child, keep === "" ? "ended" : "done");
        child.send("work");
        await isDone;
        const used = cpuPerTask(before, readCpu(watched), 1);
        // The parent waits, the child counts for 300 ms of CPU.
        expect(used["child"]).toBeGreaterThanOrEqual(250_000);
        expect(used["child"]).toBeLessThan(600_000);
        expect(used["parent"]).toBeLessThan(100_000);
      } finally {
        child.kill("SIGKILL");
      }
    },
  );

  it("refuses to read a process that has ended", async () => {
    const child = fork(join(import.meta.dirname, "nowhere.mjs"), { silent: true });
    await once(child, "exit");
    expect(() => readCpu([{ name: "api", pid: child.pid ?? 0 }])).toThrow(/api .*has ended/);
  });
});

function told(child: ChildProcess, wanted: string): Promise<void> {
  return new Promise((resolve) => child.on("message", (message) => message === wanted && resolve()));
}

/** A process with a child that uses 300 ms of CPU when told to, and says when its child has ended. */
async function startBusyParent(keepAlive: string) {
  const folder = await mkdtemp(join(tmpdir(), "sluice-bench-"));
  const worker = `process.once("message", () => {
    const before = process.cpuUsage();
    for (let used = 0; used < 300_000;) { const { user, system } = process.cpuUsage(before); used = user + system; }
    process.send("done");
  }); process.send("ready"); ${keepAlive}`;
  await writeFile(join(folder, "worker.mjs"), worker);
  const parent = `import { fork } from "node:child_process";
    const worker = fork(${JSON.stringify(join(folder, "worker.mjs"))});
    worker.on("message", (message) => process.send(message));
    worker.on("exit", () => process.send("ended"));
    process.on("message", (message) => worker.send(message));
    process.once("disconnect", () => worker.kill("SIGKILL"));`;
  await writeFile(join(folder, "parent.mjs"), parent);
  onTestFinished(() => rm(folder, { recursive: true }));
  const child = fork(join(folder, "parent.mjs"), { execArgv: [] });
  await once(child, "message");
  return child;
}
