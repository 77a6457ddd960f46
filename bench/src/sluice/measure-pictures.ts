import { join } from "node:path";
import type { ModelDefinition } from "@sluice/broker";
import type { BenchContext } from "../bench-context.js";
import type { BenchResult } from "../bench-result.js";
import { PICTURE_SIZE } from "../bench-scale.js";
import { measureSharpFloor } from "../floors/sharp-floor.js";
import { runLoads } from "../measure/run-loads.js";
import { labelPictures } from "../pictures/label-pictures.js";
import { makePictures } from "../pictures/make-pictures.js";
import type { ImageInput } from "../pictures/picture-tensor.js";
import { writePictureSet } from "../pictures/picture-set.js";
import { type RunningSluice, withSluice } from "./start-sluice.js";

const MODEL = "shapes";
const PICTURE_SEED = 20;

/** Pictures through all of Sluice, and the same pictures through sharp alone. */
export async function measurePictures(context: BenchContext): Promise<NonNullable<BenchResult["pictures"]>> {
  const { progress, scale } = context;
  const folder = join(context.folder, "pictures");
  const pictures = await progress.step(`making ${scale.pictures} pictures`, () =>
    makePictures({ ...PICTURE_SIZE, count: scale.pictures, seed: PICTURE_SEED }),
  );
  return await withSluice({ models: [MODEL] }, context, async (sluice) => {
    const { definition, input, output } = pictureModel(sluice);
    const labels = await progress.step("asking Triton itself for the label of each", () =>
      labelPictures(pictures, definition, sluice.triton),
    );
    await writePictureSet(folder, { pictures, labels });
    // Sluice is idle meanwhile.
    const sharp = await measureSharpFloor(folder, input, context);
    const { origin, processes, triton } = sluice;
    const inputs = { kind: "picture", model: MODEL, output, folder } as const;
    const server = { name: "pictures", origin, inputs, processes, triton: { channel: triton, model: MODEL } };
    return { sharp, sluice: await runLoads(server, scale.pictureLoads, context) };
  });
}

function pictureModel({ stack }: RunningSluice): { definition: ModelDefinition; input: ImageInput; output: string } {
  const definition = stack.models.find((model) => model.definition.name === MODEL)?.definition;
  const output = definition?.outputs[0];
  if (definition?.input.kind !== "image" || output === undefined) throw new Error(`there is no model ${MODEL}`);
  return { definition, input: definition.input, output: output.name };
}
