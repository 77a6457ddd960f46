import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { mustRun, runProgram } from "../run-program.js";
import type { Progress } from "../progress.js";
import { installPackages } from "../system-packages.js";
import { withLock } from "../with-lock.js";
import { findPython, type Python } from "./find-python.js";
import { thisPlatform, whyNotSupported } from "./platform.js";

/** Triton on this machine, set up but not started. */
export interface TritonInstallation {
  readonly program: string;
  readonly backends: string;
  /** The virtual environment in which models run. */
  readonly venv: string;
  /** Environment that the server needs. */
  readonly env: NodeJS.ProcessEnv;
}

/** The wheel carries tritonserver 2.51.0 with its Python backend; its own companions are not needed. */
const SERVER = "nvidia-pytriton==0.7.0";
/** NumPy 2 makes this backend answer with empty outputs and no error. */
const COMPANIONS = ["numpy<2", "onnxruntime>=1.16,<2", "py3langid==0.2.2"];

/**
 * Sets up the real Triton below `folder`, once: a warm start only reads the marker. Several processes may call it at
 * the same time.
 * @throws Error with one sentence when this machine cannot run it.
 */
export async function prepareTriton(folder: string, progress: Progress): Promise<TritonInstallation> {
  const unsupported = whyNotSupported(thisPlatform());
  if (unsupported) throw new Error(unsupported);
  await mkdir(folder, { recursive: true });
  return await withLock(path.join(folder, "set-up.lock"), async () => {
    const marker = path.join(folder, "ready.json");
    const wanted = JSON.stringify({ SERVER, COMPANIONS });
    const done = JSON.parse(await readFile(marker, "utf8").catch(() => "{}")) as { wanted?: string; site?: string };
    if (done.wanted === wanted && done.site) return describe(folder, done.site);
    await rm(marker, { force: true });
    const site = await setUp(folder, progress);
    await writeFile(marker, JSON.stringify({ wanted, site }));
    return describe(folder, site);
  });
}

function describe(folder: string, site: string): TritonInstallation {
  const venv = path.join(folder, "venv");
  return {
    program: path.join(site, "pytriton/tritonserver/bin/tritonserver"),
    backends: path.join(folder, "backends"),
    venv,
    env: {
      ...process.env,
      PATH: `${path.join(venv, "bin")}${path.delimiter}${process.env["PATH"] ?? ""}`,
      LD_LIBRARY_PATH: path.join(site, "nvidia_pytriton.libs"),
    },
  };
}

/** Makes venv and backends; gives back the folder of the venv's packages. */
async function setUp(folder: string, progress: Progress): Promise<string> {
  const python = await usablePython(progress);
  const venv = path.join(folder, "venv");
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
  const inVenv = path.join(venv, "bin/python");
  await progress.step("creating a Python environment for Triton", async () => {
    await rm(venv, { recursive: true, force: true });
    await mustRun(python.program, ["-m", "venv", venv]);
  });
  await progress.step("downloading Triton (55 MB)", () => mustRun(inVenv, [...pip, "--no-deps", SERVER]));
  await progress.step("downloading NumPy, ONNX Runtime and py3langid", () => mustRun(inVenv, [...pip, ...COMPANIONS]));
  const site = (await mustRun(inVenv, ["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"])).trim();
  const stub = await placeBackends(folder, site, python.version);
  await ensureLibpython(stub, python.version, progress);
  return site;
}

async function usablePython(progress: Progress): Promise<Python> {
  let python = await findPython();
  if (!python) {
    await progress.step("installing Python", () => installPackages(["python3", "python3-venv"]));
    python = await findPython();
  }
  if (!python) throw new Error("Triton's models need Python 3.9 to 3.12. Please install one of them and start again.");
  if (!python.hasVenv) {
    const { version } = python;
    await progress.step("installing python3-venv", () => installPackages(["python3-venv", `python${version}-venv`]));
  }
  return python;
}

/** The stub that runs models must fit the running Python and lie beside the backend. */
async function placeBackends(folder: string, site: string, version: string): Promise<string> {
  const server = path.join(site, "pytriton/tritonserver");
  const backends = path.join(folder, "backends");
  const stub = path.join(backends, "python/triton_python_backend_stub");
  await rm(backends, { recursive: true, force: true });
  await cp(path.join(server, "backends"), backends, { recursive: true });
  await cp(path.join(server, "python_backend_stubs", version, "triton_python_backend_stub"), stub);
  return stub;
}

async function ensureLibpython(stub: string, version: string, progress: Progress): Promise<void> {
  const isMissing = async () =>
    (await runProgram("ldd", [stub])).output.split("\n").some((line) => /libpython.*not found/.test(line));
  if (!(await isMissing())) return;
  await progress.step(`installing libpython${version}`, () => installPackages([`libpython${version}`]));
  if (await isMissing())
    throw new Error(`Triton needs libpython${version}.so.1.0. Please install libpython${version} and start again.`);
}
