import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import type { LoadedModel } from "./load-models.js";
import { CONFIG_HEADER, tritonConfig, type TritonFlavour } from "./triton-config.js";

/** Runs any ONNX file on Triton's Python backend. The same path from src/ and from dist/. */
const ONNX_SCRIPT = fileURLToPath(new URL("../python/onnx_model.py", import.meta.url));

/**
 * Writes the models as a Triton model repository: `NAME/config.pbtxt` and `NAME/VERSION/` with script, graph and files.
 * Files that are right already stay untouched, so that a polling Triton does not load them again; each file appears
 * whole or not at all. Folders that an earlier call wrote and that `models` lacks are removed, others are left alone.
 * @returns the names of the models that were written or removed, in order.
 */
export async function writeTritonRepository(
  models: readonly LoadedModel[],
  targetFolder: string,
  flavour: TritonFlavour,
): Promise<string[]> {
  await mkdir(targetFolder, { recursive: true });
  const changed = await removeOthers(targetFolder, new Set(models.map((model) => model.definition.name)));
  for (const model of models) {
    if (await writeModel(model, join(targetFolder, model.definition.name), flavour))
      changed.push(model.definition.name);
  }
  return changed.sort();
}

async function removeOthers(targetFolder: string, wanted: ReadonlySet<string>): Promise<string[]> {
  const removed: string[] = [];
  for (const name of await readdir(targetFolder)) {
    const config = await readIfThere(join(targetFolder, name, "config.pbtxt"));
    if (wanted.has(name) || !config?.toString("utf8").startsWith(CONFIG_HEADER)) continue;
    await rm(join(targetFolder, name), { recursive: true });
    removed.push(name);
  }
  return removed;
}

async function writeModel(model: LoadedModel, folder: string, flavour: TritonFlavour): Promise<boolean> {
  const versionFolder = join(folder, model.definition.version);
  await mkdir(versionFolder, { recursive: true });
  let changed = false;
  for (const [name, source] of sourcesOf(model, flavour)) {
    changed = (await writeIfChanged(join(versionFolder, name), await readFile(source))) || changed;
  }
  const config = Buffer.from(tritonConfig(model, flavour), "utf8");
  return (await writeIfChanged(join(folder, "config.pbtxt"), config)) || changed;
}

/** Each file of the version folder, and where its content comes from. */
function sourcesOf({ file, folder }: LoadedModel, flavour: TritonFlavour): [name: string, source: string][] {
  const { runtime } = file;
  const files = runtime.files.map((name): [string, string] => [name, join(folder, name)]);
  if (runtime.backend === "python") return [...files, ["model.py", join(folder, runtime.script)]];
  const graph: [string, string] = ["model.onnx", join(folder, runtime.file)];
  return flavour === "onnxruntime" ? [...files, graph] : [...files, graph, ["model.py", ONNX_SCRIPT]];
}

async function writeIfChanged(path: string, content: Buffer): Promise<boolean> {
  if ((await readIfThere(path))?.equals(content)) return false;
  const unfinished = join(dirname(path), `.${basename(path)}.${process.pid}`);
  await writeFile(unfinished, content);
  await rename(unfinished, path);
  return true;
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")) {
      return undefined;
    }
    throw error;
  }
}
