import type { LoadedModel } from "@sluice/models";

/** A text whose language nobody doubts. */
const TEXT = "Le renard brun saute par-dessus le chien paresseux";

/**
 * Asks the `language` model, if it is served, for a language that is known. A server with the wrong NumPy starts, is
 * ready, and answers every call with empty outputs and no error.
 * @throws Error if the answer is another one.
 */
export async function checkKnownAnswer(httpUrl: string, models: readonly LoadedModel[]): Promise<void> {
  const output = models.find(({ definition }) => definition.name === "language")?.definition.outputs[0];
  if (output?.kind !== "labels") return;
  const response = await fetch(`${httpUrl}/v2/models/language/infer`, {
    method: "POST",
    body: JSON.stringify({ inputs: [{ name: "TEXT", datatype: "BYTES", shape: [1, 1], data: [TEXT] }] }),
  });
  const { outputs } = (await response.json()) as { outputs?: { data?: number[] }[] };
  const scores = outputs?.[0]?.data ?? [];
  const best = output.labels[scores.indexOf(Math.max(...scores))];
  if (best !== "fr")
    throw new Error(`Triton answers, but wrongly: a French text was recognised as ${best ?? "nothing"}`);
}
