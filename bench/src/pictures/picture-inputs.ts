import type { NextInput } from "../load/task-input.js";
import { readPictureSet } from "./picture-set.js";
import { withComment } from "./with-comment.js";

/** Which pictures, and for which model. */
export interface PictureInputOptions {
  readonly model: string;
  /** The output that names the one label of a picture. */
  readonly output: string;
  /** Where `writePictureSet` put them. */
  readonly folder: string;
  /** Tasks of different seeds differ. */
  readonly seed: number;
}

/**
 * The pictures of a set in turn, as bare bytes. Each task's bytes differ by a comment, so that none can share
 * another's computation, while decoding and inference have the same work as without.
 */
export async function createPictureInputs({ model, output, folder, seed }: PictureInputOptions): Promise<NextInput> {
  const { pictures, labels } = await readPictureSet(folder);
  const path = `/v1/inference?model=${model}`;
  const headers = { "content-type": "image/jpeg" };
  let serial = 0;
  return () => {
    const index = serial % pictures.length;
    const body = withComment(pictures[index] ?? Buffer.alloc(0), `${seed}/${serial++}`);
    return { path, headers, body, isRight: (answer) => bestLabel(answer, output) === labels[index] };
  };
}

/** Labels come best first. */
function bestLabel(answer: unknown, output: string): unknown {
  const labels = (answer as Record<string, { label?: unknown }[] | undefined> | undefined)?.[output];
  return labels?.[0]?.label;
}
