import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import type { TritonInstallation } from "./prepare-triton.js";
import { startTriton } from "./start-triton.js";

/** A model repository with one model, which doubles numbers. */
const REPOSITORY = fileURLToPath(new URL("../../triton/known-answer", import.meta.url));

/**
 * Runs one inference with a known answer, for a server can be ready and answer wrongly: with numpy 2 this Python backend
 * gives empty outputs and no error.
 * @throws Error with both answers if they differ, or if the server does not come up.
 */
export async function checkKnownAnswer(installation: TritonInstallation): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-triton-"));
  try {
    const triton = await startTriton({ installation, repository: REPOSITORY, logFile: join(folder, "triton.log") });
    try {
      await compare(triton.httpUrl, [1, 2.5, -3], [2, 5, -6]);
    } finally {
      await triton.stop(0);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function compare(httpUrl: string, numbers: readonly number[], expected: readonly number[]): Promise<void> {
  const response = await fetch(`${httpUrl}/v2/models/known_answer/infer`, {
    method: "POST",
    body: JSON.stringify({
      inputs: [{ name: "NUMBERS", shape: [1, numbers.length], datatype: "FP32", data: numbers }],
    }),
    signal: AbortSignal.timeout(10_000),
  });
  const answer = await response.text();
  const { outputs } = JSON.parse(answer) as { outputs?: { data?: number[] }[] };
  if (JSON.stringify(outputs?.[0]?.data) !== JSON.stringify(expected)) {
    throw new Error(`Triton answers wrongly: twice ${JSON.stringify(numbers)} is for it ${answer}`);
  }
}
