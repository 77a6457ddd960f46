/** Triton's own count of what it ran. */
export interface ModelCounts {
  /** Rows. */
  readonly inferences: number;
  /** Calls of the model: batches, as Triton's dynamic batching is off. */
  readonly executions: number;
}

/** Reads Triton's statistics of one model. */
export async function modelCounts(httpUrl: string, model: string): Promise<ModelCounts> {
  const response = await fetch(`${httpUrl}/v2/models/${model}/stats`);
  const { model_stats } = (await response.json()) as {
    model_stats: { inference_count: number; execution_count: number }[];
  };
  return { inferences: Number(model_stats[0]?.inference_count), executions: Number(model_stats[0]?.execution_count) };
}

/** What was run between two readings. */
export const countsBetween = (before: ModelCounts, after: ModelCounts): ModelCounts => ({
  inferences: after.inferences - before.inferences,
  executions: after.executions - before.executions,
});
