import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { freePort, projectFolders } from "@sluice/stack";
import { expect, test } from "vitest";

import { isPortFree } from "../src/free-port.js";
import { processIdentity } from "../src/process/process-identity.js";
import { useTemporaryFolder } from "./temporary-folder.js";

const folder = useTemporaryFolder();

/** What `npm start` runs once everything is built, with a folder and a port of its own. */
interface Started {
  readonly main: ChildProcess;
  readonly port: number;
  readonly printed: () => string;
}

/** Resolves when it has printed `until`. */
async function start(until: string): Promise<Started> {
  const port = await freePort();
  const elsewhere = { REDIS_URL: undefined, TRITON_URL: undefined, HOST: undefined };
  const env = { ...process.env, ...elsewhere, SLUICE_DIR: folder(), PORT: String(port) };
  const script = join(projectFolders.root, "stack", "dist", "main.js");
  const main = spawn(process.execPath, [script], { env, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  for (const output of [main.stdout, main.stderr]) output.on("data", (chunk) => (text += String(chunk)));
  const printed = (): string => text;
  await expect.poll(printed, { timeout: 60_000, interval: 50 }).toContain(until);
  return { main, port, printed };
}

/** The numbers of the processes that it runs: gpu-worker, batcher and api, redis and triton. */
async function processes(): Promise<number[]> {
  const note = JSON.parse(await readFile(join(folder(), "run", "start.json"), "utf8")) as {
    children: { pid: number }[];
  };
  return note.children.map(({ pid }) => pid);
}

/** The ports of the addresses that it printed. */
function portsIn(printed: string): number[] {
  return [...new Set([...printed.matchAll(/127\.0\.0\.1:(\d+)/g)].map((match) => Number(match[1])))];
}

test(
  "npm start runs everything, starts again what dies, and leaves nothing behind when it is told to stop",
  { timeout: 120_000 },
  async () => {
    const { main, port, printed } = await start("Stop: Ctrl-C");
    const pids = await processes();
    const ports = portsIn(printed());
    expect(pids).toHaveLength(5);
    // api, batcher, gpu-worker, redis, and three of triton.
    expect(ports).toHaveLength(7);
    expect(ports).toContain(port);
    expect(printed()).toContain(`curl -s http://127.0.0.1:${port}/v1/inference`);

    const response = await fetch(`http://127.0.0.1:${port}/v1/inference`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Prefer: "wait=10" },
      body: JSON.stringify({ input: "Le renard brun saute par-dessus le chien paresseux" }),
    });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      status: "SUCCESS",
      output: { language: [{ label: "fr" }, {}, {}, {}, {}] },
    });

    const [victim = 0] = pids;
    process.kill(victim, "SIGKILL");
    await expect
      .poll(printed, { timeout: 20_000 })
      .toMatch(/api died \(SIGKILL\).*\n(.*\n)*?api runs again \(process \d+\)/);
    expect(await processes()).not.toContain(victim);
    const all = new Set([...pids, ...(await processes())]);

    // As npm and a terminal do together for one Ctrl-C.
    main.kill("SIGINT");
    main.kill("SIGINT");
    const [code] = (await once(main, "exit")) as [number | null];
    expect(code).toBe(0);
    expect([...all].map((pid) => processIdentity(pid))).toEqual([...all].map(() => undefined));
    expect(await Promise.all(ports.map((one) => isPortFree(one)))).toEqual(ports.map(() => true));
    expect(printed()).toContain("Stopping api, batcher, gpu-worker, triton, redis: done in");
  },
);

test("npm start that is killed leaves nothing behind either, after a moment", { timeout: 120_000 }, async () => {
  const { main, printed } = await start("Stop: Ctrl-C");
  const pids = await processes();
  main.kill("SIGKILL");
  await expect.poll(() => pids.filter((pid) => processIdentity(pid) !== undefined), { timeout: 15_000 }).toEqual([]);
  const ports = portsIn(printed());
  expect(await Promise.all(ports.map((one) => isPortFree(one)))).toEqual(ports.map(() => true));
});

test("npm start that is told to stop while it starts leaves nothing behind", { timeout: 60_000 }, async () => {
  const { main, printed } = await start("Starting Triton and batcher");
  const started = performance.now();
  main.kill("SIGTERM");
  const [code] = (await once(main, "exit")) as [number | null];
  expect(code).toBe(0);
  expect(performance.now() - started).toBeLessThan(15_000);
  expect(printed()).not.toContain("Sluice is ready");
  await expect(readFile(join(folder(), "run", "start.json"))).rejects.toThrow("ENOENT");
});
