import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { prepareTriton, projectFolders, type Stack, startStack } from "@sluice/stack";
import { Agent, request } from "undici";
import { afterAll, beforeAll, expect, test } from "vitest";

import { addLightModels, type LightModel, loadModels } from "../src/index.js";

/** Pictures with a truth.jsonl: those that ship with the project, or more of them (README.md says how to make some). */
const HELD_OUT = process.env["SHAPES_HELD_OUT"] ?? join(projectFolders.models, "shapes/held-out");
const LIGHT_FOLDER = join(projectFolders.written, "light-models");

let dir: string;
let stack: Stack;
let lightModels: LightModel[];
const agent = new Agent({ connections: 16 });

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "sluice-models-"));
  const { python } = await prepareTriton();
  lightModels = await addLightModels({ python, folder: LIGHT_FOLDER, names: ["light_resnet50", "light_squeezenet"] });
  const extraModels = await loadModels(LIGHT_FOLDER, { includeTest: true });
  stack = await startStack({ dir, models: "shipped", extraModels });
}, 300_000);
afterAll(async () => {
  await agent.close();
  await stack.stop();
  await rm(dir, { recursive: true, force: true });
});

interface Label {
  readonly label: string;
  readonly score: number;
}

interface Scene {
  readonly file: string;
  readonly main: string;
  /** Shapes and colours. */
  readonly present: readonly string[];
}

/** Submits an input, waits for the result, and gives its output. */
async function outputOf(query: string, type: string, body: string | Buffer): Promise<Record<string, unknown>> {
  const answer = await request(`${stack.apiUrl}/v1/inference${query}`, {
    method: "POST",
    headers: { "content-type": type, prefer: "wait=20" },
    body,
    dispatcher: agent,
  });
  const result = (await answer.body.json()) as { status: string; output: Record<string, unknown> };
  expect(result).toMatchObject({ status: "SUCCESS" });
  return result.output;
}

const outputOfJson = (body: object) => outputOf("", "application/json", JSON.stringify(body));

test("a French sentence is French, with no model named", async () => {
  const output = await outputOfJson({ input: "Le renard brun saute par-dessus le chien paresseux" });
  expect(output["language"]).toHaveLength(5);
  expect((output["language"] as Label[])[0]).toMatchObject({ label: "fr" });
});

test("the example picture shows a heart among others, with no model named", async () => {
  const output = await outputOf("", "image/jpeg", await readFile(join(projectFolders.models, "shapes/example.jpg")));
  expect((output["main"] as Label[])[0]).toMatchObject({ label: "heart" });
  const present = (output["present"] as Label[]).map(({ label }) => label);
  expect(present.sort()).toEqual(["black", "blue", "heart", "red", "ring", "square"]);
});

test("of held-out pictures the main shape is right in 97 %, and what is present reaches an F1 of 0.95", async () => {
  const lines = (await readFile(join(HELD_OUT, "truth.jsonl"), "utf8")).trimEnd().split("\n");
  const scenes = lines.map((line) => JSON.parse(line) as Scene);
  expect(scenes.length).toBeGreaterThanOrEqual(60);
  let [mainRight, found, predicted, actual] = [0, 0, 0, 0];
  const measure = async ({ file, main, present }: Scene) => {
    const output = await outputOf("?model=shapes", "image/jpeg", await readFile(join(HELD_OUT, file)));
    if ((output["main"] as Label[])[0]?.label === main) mainRight++;
    const labels = (output["present"] as Label[]).map(({ label }) => label);
    found += labels.filter((label) => present.includes(label)).length;
    predicted += labels.length;
    actual += present.length;
  };
  // A client's worth of pictures at a time, so that they meet in batches.
  for (let first = 0; first < scenes.length; first += 100) {
    await Promise.all(scenes.slice(first, first + 100).map(measure));
  }
  const figures = { scenes: scenes.length, main: mainRight / scenes.length, f1: (2 * found) / (predicted + actual) };
  console.info("shapes on held-out scenes", figures);
  expect(figures.main).toBeGreaterThanOrEqual(0.97);
  expect(figures.f1).toBeGreaterThanOrEqual(0.95);
}, 300_000);

test("the light networks answer through Sluice what the onnx package expects of them", async () => {
  for (const { name, input, expected } of lightModels) {
    const { buffer, byteOffset, byteLength } = input.values;
    const data_base64 = Buffer.from(buffer, byteOffset, byteLength).toString("base64");
    const output = await outputOfJson({ model: name, input: { datatype: "FP32", shape: input.shape, data_base64 } });
    const answer = output["answer"] as { shape: number[]; data: number[] };
    expect(answer.shape).toEqual(expected.shape);
    expect(answer.data).toHaveLength(expected.values.length);
    for (const [i, value] of expected.values.entries()) {
      expect(Math.abs((answer.data[i] ?? NaN) - value)).toBeLessThan(1e-3 * Math.abs(value));
    }
  }
});
