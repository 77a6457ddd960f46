import { type LoadedModel, loadModels } from "@sluice/models";
import { projectFolders } from "@sluice/stack";

/** How long the model takes for a batch. */
export interface SleepTimes {
  readonly callMs: number;
  readonly rowMs: number;
}

/** The model `sleep` with other times, under a name of its own. @throws Error if there is no model `sleep` */
export async function slowerSleep(name: string, { callMs, rowMs }: SleepTimes): Promise<LoadedModel> {
  const models = await loadModels(projectFolders.models, { includeTest: true });
  const sleep = models.find(({ definition }) => definition.name === "sleep");
  if (sleep?.file.runtime.backend !== "python") throw new Error("there is no model sleep");
  const parameters = { call_ms: String(callMs), row_ms: String(rowMs) };
  const description = `Sleeps ${callMs} ms and ${rowMs} ms a row, one batch at a time.`;
  return {
    ...sleep,
    file: { ...sleep.file, name, description, runtime: { ...sleep.file.runtime, parameters } },
    definition: { ...sleep.definition, name, description },
  };
}

/** Rows per second that full batches reach. */
export function capacityOf({ callMs, rowMs }: SleepTimes, fullBatch: number): number {
  return (1_000 * fullBatch) / (callMs + rowMs * fullBatch);
}
