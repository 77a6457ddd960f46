import type { BenchContext } from "./bench-context.js";
import type { BenchResult } from "./bench-result.js";
import { measureDurability } from "./durability/measure-durability.js";
import { measureGenerator } from "./floors/generator-floor.js";
import { measureHttpFloor } from "./floors/http-floor.js";
import { measureTritonFloor } from "./floors/triton-floor.js";
import { describeMachine } from "./machine.js";
import type { BenchOptions } from "./options.js";
import { measureOverload } from "./overload/measure-overload.js";
import { measureReplay } from "./replay/measure-replay.js";
import { measurePictures } from "./sluice/measure-pictures.js";
import { measureTexts } from "./sluice/measure-texts.js";
import { measureTensors } from "./tensors/measure-tensors.js";

/** Measures what the options name: the floors first, then Sluice. */
export async function runBench({ quick, parts }: BenchOptions, context: BenchContext): Promise<BenchResult> {
  const has = (part: (typeof parts)[number]): boolean => parts.includes(part);
  return {
    machine: describeMachine(),
    quick,
    ...(has("generator") ? { generator: await measureGenerator(context) } : {}),
    ...(has("http") ? { http: await measureHttpFloor(context) } : {}),
    ...(has("triton") ? { triton: await measureTritonFloor(context) } : {}),
    ...(has("tensors") ? { tensors: await measureTensors(context) } : {}),
    ...(has("durability") ? { durability: await measureDurability(context) } : {}),
    ...(has("text") ? { text: await measureTexts(context) } : {}),
    ...(has("overload") ? { overload: await measureOverload(context) } : {}),
    ...(has("replay") ? { replay: await measureReplay(context) } : {}),
    ...(has("pictures") ? { pictures: await measurePictures(context) } : {}),
  };
}
