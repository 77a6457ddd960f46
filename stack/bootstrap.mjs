// npm start, npm test and npm run bench, faults, simulate, spec or sluice: plain Node without dependencies, for there may be none yet.
// Installs the packages, builds, and runs what was asked for.

import { Buffer } from "node:buffer";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { performance } from "node:perf_hooks";
import { clearInterval, setInterval } from "node:timers";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);
const { engines, packageManager } = JSON.parse(readFileSync("package.json", "utf8"));

const [command, ...args] = process.argv.slice(2);
const commands = {
  start: async () => {
    await build();
    await import("./dist/main.js");
  },
  test: async () => {
    await build();
    await run("stack/dist/prepare.js");
    say("Checking types, lint and format");
    await run(binary("typescript", "tsc"), ["-p", "tsconfig.test.json"]);
    await run(binary("eslint", "eslint"), ["."]);
    await run(binary("prettier", "prettier"), ["--check", "--log-level", "warn", "."]);
    await run(binary("vitest", "vitest"), ["run", ...args]);
  },
  bench: async () => {
    await build();
    await run("stack/dist/prepare.js");
    await run("bench/dist/main.js", args);
  },
  faults: async () => {
    await build();
    await run("faults/dist/main.js", args);
  },
  simulate: async () => {
    await build();
    await run("batcher/dist/simulator/main.js", args);
  },
  spec: async () => {
    await build();
    await run("broker/spec/dist/main.js", args);
  },
  sluice: async () => {
    // Operators do not want to wait for a build, nor to see one in what they pipe on.
    if (!existsSync("client/dist/main.js")) await build();
    await run("client/dist/main.js", args);
  },
};

if (!Object.hasOwn(commands, command ?? ""))
  fail("Use npm start, npm test, npm run bench, npm run faults, npm run simulate, npm run spec or npm run sluice.");
checkNode();
await commands[command]();

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  const [needMajor, needMinor] = engines.node.replace(">=", "").split(".").map(Number);
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return;
  fail(`Sluice needs Node ${needMajor}.${needMinor} or later, and this is ${process.versions.node}.`);
}

async function build() {
  await installPackages();
  await quietly("Building", process.execPath, [binary("typescript", "tsc"), "-b"]);
}

/** When there are none, or the lockfile is another one than the last time. */
async function installPackages() {
  const stamp = join(".sluice", "packages.stamp");
  const wanted = createHash("sha256").update(readFileSync("pnpm-lock.yaml")).digest("hex");
  const installed = existsSync(stamp) ? readFileSync(stamp, "utf8") : "";
  if (existsSync("node_modules") && installed === wanted) return;
  // CI: no question is asked when folders of packages have to be made anew.
  const env = { ...process.env, CI: "true" };
  await quietly("Installing packages", "npx", ["--yes", packageManager, "install", "--frozen-lockfile"], env);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
}

/** The program of a package, to be run with this Node. */
function binary(packageName, programName) {
  const folder = join("node_modules", packageName);
  const { bin } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return join(folder, typeof bin === "string" ? bin : bin[programName]);
}

/** Runs a script and shows what it prints; ends us if it fails. */
async function run(script, scriptArgs = []) {
  const end = await ended(spawn(process.execPath, [script, ...scriptArgs], { stdio: "inherit" }));
  if (end !== 0) process.exit(end);
}

/** Runs a program, says for how long already, and shows what it printed only if it fails. */
async function quietly(what, program, programArgs, env = process.env) {
  const startMs = performance.now();
  const seconds = () => `${((performance.now() - startMs) / 1000).toFixed(1)} s`;
  const rewrite = process.stdout.isTTY ? "\r\x1b[K" : "";
  process.stdout.write(`  ${what} ...${rewrite === "" ? "\n" : ""}`);
  const show = () => process.stdout.write(`${rewrite}  ${what} ... ${seconds()}${rewrite === "" ? "\n" : ""}`);
  const timer = setInterval(show, rewrite === "" ? 15_000 : 1_000);
  const child = spawn(program, programArgs, { env, stdio: ["ignore", "pipe", "pipe"] });
  const printed = [];
  child.stdout.on("data", (chunk) => printed.push(chunk));
  child.stderr.on("data", (chunk) => printed.push(chunk));
  const end = await ended(child);
  clearInterval(timer);
  say(`${rewrite}  ${what}: ${end === 0 ? "done in" : "failed after"} ${seconds()}`);
  if (end === 0) return;
  process.stdout.write(Buffer.concat(printed));
  process.exit(end);
}

/** The exit status of a child. Signals that ask us to stop are passed on, and we end when it has ended. */
async function ended(child) {
  const passOn = (signal) => child.kill(signal);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, passOn);
  const status = await new Promise((resolve) => {
    child.once("error", (error) => {
      console.error(error.message);
      resolve(1);
    });
    child.once("close", (code) => resolve(code ?? 1));
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.off(signal, passOn);
  return status;
}

function say(line) {
  console.log(line);
}

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}
