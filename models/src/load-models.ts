import { access, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { BrokerError, type ModelDefinition, modelDefinitionSchema } from "@sluice/broker";

import { checkModel, invalidModel, type ModelFile, parseModelFile } from "./model-file.js";

/** A model as it lies on disk. */
export interface LoadedModel {
  readonly file: ModelFile;
  /** What the roles know of it: label files and the example picture are put in. */
  readonly definition: ModelDefinition;
  /** Where its files are. */
  readonly folder: string;
}

/**
 * Reads every `NAME/model.json` under `folder`, in order of name; folders without one are passed over.
 * @param options.includeTest also load models that only tests and benchmarks use.
 * @throws BrokerError `config-invalid` naming file and pointer, also if two models are the default for one kind of input.
 */
export async function loadModels(folder: string, options: { readonly includeTest: boolean }): Promise<LoadedModel[]> {
  const names = (await readdir(folder, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  const loaded: LoadedModel[] = [];
  for (const name of names) {
    const model = await loadModel(join(folder, name), name);
    if (model !== undefined && (options.includeTest || !model.file.test)) loaded.push(model);
  }
  checkDefaults(loaded);
  return loaded;
}

async function loadModel(folder: string, name: string): Promise<LoadedModel | undefined> {
  const path = join(folder, "model.json");
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    if (isMissing(cause)) return undefined;
    throw new BrokerError("config-invalid", `${path} cannot be read`, { cause });
  });
  if (text === undefined) return undefined;
  const file = parseModelFile(text, path);
  if (file.name !== name) {
    throw invalidModel(path, [{ pointer: "/name", message: `must be the name of its folder, ${name}` }]);
  }
  await checkRuntimeFiles(file, folder, path);
  return { file, definition: await toDefinition(file, folder, path), folder };
}

async function checkRuntimeFiles({ runtime }: ModelFile, folder: string, path: string): Promise<void> {
  const main = runtime.backend === "python" ? ["script", runtime.script] : ["file", runtime.file];
  for (const [field, name = ""] of [main, ...runtime.files.map((name, index) => [`files/${index}`, name])]) {
    await access(join(folder, name)).catch(() => {
      throw missingFile(name, { path, pointer: `/runtime/${field}` });
    });
  }
}

async function toDefinition(file: ModelFile, folder: string, path: string): Promise<ModelDefinition> {
  const outputs = await Promise.all(
    file.outputs.map(async (output, index) => {
      if (output.kind !== "labels") return output;
      const pointer = `/outputs/${index}/labels`;
      const labels =
        typeof output.labels === "string" ? await readLabels(folder, output.labels, { path, pointer }) : output.labels;
      checkLabels(labels, { path, pointer });
      return { ...output, labels };
    }),
  );
  const example = await toRegisteredExample(file.example, folder, path);
  const registered = Object.entries(file).filter(([key]) => key in modelDefinitionSchema.shape);
  return checkModel(modelDefinitionSchema, { ...Object.fromEntries(registered), outputs, example }, path);
}

/** Where a value stands that a file was named for. */
interface Place {
  readonly path: string;
  readonly pointer: string;
}

async function readLabels(folder: string, name: string, place: Place): Promise<string[]> {
  const text = (await readNamedFile(folder, name, place)).toString("utf8");
  return text.replace(/\r?\n$/, "").split(/\r?\n/);
}

function checkLabels(labels: readonly string[], { path, pointer }: Place): void {
  const empty = labels.findIndex((label) => label.trim() === "");
  if (empty !== -1) throw invalidModel(path, [{ pointer, message: `label ${empty + 1} is empty` }]);
  const twice = labels.find((label, index) => labels.indexOf(label) !== index);
  if (twice !== undefined) throw invalidModel(path, [{ pointer, message: `has the label ${twice} twice` }]);
}

async function toRegisteredExample(
  example: ModelFile["example"],
  folder: string,
  path: string,
): Promise<ModelDefinition["example"]> {
  if (example === undefined || !("image" in example)) return example;
  const picture = await readNamedFile(folder, example.image, { path, pointer: "/example/image" });
  return { imageBase64: picture.toString("base64") };
}

async function readNamedFile(folder: string, name: string, { path, pointer }: Place): Promise<Buffer> {
  try {
    return await readFile(join(folder, name));
  } catch (cause) {
    if (!isMissing(cause)) throw new BrokerError("config-invalid", `${join(folder, name)} cannot be read`, { cause });
    throw missingFile(name, { path, pointer });
  }
}

function missingFile(name: string, { path, pointer }: Place): BrokerError {
  return invalidModel(path, [{ pointer, message: `names ${name}, which is not there` }]);
}

function checkDefaults(models: readonly LoadedModel[]): void {
  const first = new Map<string, LoadedModel>();
  for (const model of models) {
    const kind = model.definition.defaultFor;
    if (kind === undefined) continue;
    const other = first.get(kind);
    if (other !== undefined) {
      const message = `is ${kind}, which ${other.definition.name} has already`;
      throw invalidModel(join(model.folder, "model.json"), [{ pointer: "/defaultFor", message }]);
    }
    first.set(kind, model);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
