/** One task to submit. */
export interface TaskInput {
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Whether the output of a task, as the API shows it, is the right one for this input. */
  isRight(output: unknown): boolean;
}

/** Makes the next task: each differs from all before it, so that no two can share a computation. */
export type NextInput = () => TaskInput;
