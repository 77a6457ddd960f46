import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type LoadedModel, loadModels, writeTritonRepository } from "@sluice/models";

import { type Progress, silentProgress } from "../progress.js";
import { projectFolders } from "../project-folders.js";
import { prepareTriton } from "./prepare-triton.js";
import { startTriton, type Triton, type TritonOptions } from "./start-triton.js";

/** A Triton that serves models of this project. */
export interface ModelServer extends Triton {
  readonly models: readonly LoadedModel[];
}

/** Which models, and how to run Triton. */
export interface ModelServerOptions extends Omit<TritonOptions, "installation" | "repository"> {
  /** Where the model repository is written; a folder that goes with the server if absent. */
  readonly repository?: string;
  /** Folder with one folder per model; the project's own if absent. */
  readonly modelFolder?: string;
  /** Also the models that only tests and benchmarks use. */
  readonly includeTest: boolean;
  /** Names of the models to serve; all if absent. */
  readonly only?: readonly string[];
  readonly progress?: Progress;
}

/**
 * Sets Triton up if that is still to be done, writes the model repository, and starts Triton with it.
 * @throws like loadModels, prepareTriton and startTriton.
 */
export async function startModelServer(options: ModelServerOptions): Promise<ModelServer> {
  const installation = await prepareTriton(projectFolders.triton, options.progress ?? silentProgress);
  const loaded = await loadModels(options.modelFolder ?? projectFolders.models, { includeTest: options.includeTest });
  const models = loaded.filter(({ definition }) => options.only?.includes(definition.name) ?? true);
  const repository = options.repository ?? (await mkdtemp(join(tmpdir(), "sluice-models-")));
  const removeRepository = async (): Promise<void> => {
    if (options.repository === undefined) await rm(repository, { recursive: true, force: true });
  };
  try {
    await writeTritonRepository(models, repository, "python");
    const triton = await startTriton({ ...options, installation, repository });
    const stop = async (graceMs?: number): Promise<void> => {
      await triton.stop(graceMs);
      await removeRepository();
    };
    return { ...triton, models, stop };
  } catch (error) {
    await removeRepository();
    throw error;
  }
}
