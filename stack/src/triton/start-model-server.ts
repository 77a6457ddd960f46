import { loadModels, type LoadedModel, writeTritonRepository } from "@sluice/models";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { createProgress, type Progress } from "../progress.js";
import { projectFolders } from "../project-folders.js";
import { checkKnownAnswer } from "./known-answer.js";
import { prepareTriton } from "./prepare-triton.js";
import { startTriton, type Triton, type TritonOptions } from "./start-triton.js";

/** A Triton that serves models of this project. */
export interface ModelServer extends Triton {
  readonly models: readonly LoadedModel[];
}

/** Which models, and where their repository is written (a folder of its own that goes with the server if absent). */
export interface ModelServerOptions extends Partial<Omit<TritonOptions, "repository">> {
  readonly repository?: string;
  /** Folder with one folder per model; the project's own if absent. */
  readonly modelFolder?: string;
  /** Also the models that only tests and benchmarks use. */
  readonly includeTest: boolean;
  /** Names of the models to serve; all if absent. */
  readonly only?: readonly string[];
  readonly progress?: Progress;
}

/** Sets Triton up if that is still to be done, writes the model repository, starts it and checks one known answer. */
export async function startModelServer(options: ModelServerOptions): Promise<ModelServer> {
  const progress = options.progress ?? createProgress(() => undefined);
  const installation = await prepareTriton(projectFolders.triton, progress);
  const all = await loadModels(options.modelFolder ?? projectFolders.models, { includeTest: options.includeTest });
  const models = all.filter(({ definition }) => options.only?.includes(definition.name) ?? true);
  const repository = options.repository ?? (await mkdtemp(path.join(os.tmpdir(), "sluice-models-")));
  await writeTritonRepository(models, repository, "python");
  const triton = await startTriton(installation, { ...options, repository });
  const stop = async () => {
    await triton.stop();
    if (options.repository === undefined) await rm(repository, { recursive: true, force: true });
  };
  try {
    await checkKnownAnswer(triton.httpUrl, models);
  } catch (error) {
    await stop();
    throw error;
  }
  return { ...triton, models, stop };
}
