import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { describe, expect, test } from "vitest";

import { loadModels } from "../src/index.js";
import { useTemporaryFolder, writeFiles } from "./temporary-folder.js";

const folder = useTemporaryFolder();
const shipped = fileURLToPath(new URL("..", import.meta.url));

const scores = { kind: "labels", name: "colour", tensor: "SCORES", mode: "multi-class", labels: "labels.txt" };
const colours = {
  name: "colours",
  input: { kind: "image", tensor: "IMAGE", width: 8, height: 8 },
  outputs: [scores],
  runtime: { backend: "onnx" },
};
const graph = { "colours/model.onnx": "" };
const load = (includeTest = false) => loadModels(folder(), { includeTest });

describe("a folder of models", () => {
  test("is read with label files and example pictures put in, in order of name", async () => {
    const picture = Uint8Array.of(0xff, 0xd8, 0xff);
    await writeFiles(folder(), {
      ...graph,
      "colours/model.json": { ...colours, example: { image: "example.jpg" } },
      "colours/labels.txt": "red\r\nlight blue\ngreen\n",
      "colours/example.jpg": picture,
      "animals/model.json": { ...colours, name: "animals", outputs: [{ ...scores, labels: ["cat"] }] },
      "animals/model.onnx": "",
      "src/not-a-model.ts": "",
      "README.md": "",
    });
    const models = await load();
    expect(models.map((model) => [model.definition.name, model.folder])).toEqual([
      ["animals", join(folder(), "animals")],
      ["colours", join(folder(), "colours")],
    ]);
    expect(models[1]?.definition).toEqual({
      name: "colours",
      description: "",
      version: "1",
      pool: "default",
      framework: "python",
      input: { ...colours.input, fit: "cover", layout: "NCHW", mean: [0, 0, 0], std: [1, 1, 1] },
      outputs: [{ ...scores, labels: ["red", "light blue", "green"], threshold: 0, topK: 5 }],
      maxBatchSize: 64,
      scope: "all",
      example: { imageBase64: Buffer.from(picture).toString("base64") },
      metrics: {},
    });
  });

  test("gives models for tests only to those who ask", async () => {
    await writeFiles(folder(), {
      ...graph,
      "colours/model.json": { ...colours, test: true, outputs: [{ ...scores, labels: ["red"] }] },
    });
    expect(await load(false)).toEqual([]);
    expect((await load(true)).map((model) => model.definition.name)).toEqual(["colours"]);
  });

  test.each([
    ["a name that is not its folder's", { "x/model.json": colours }, "/name must be the name of its folder, x"],
    [
      "a label file that is missing",
      { "colours/model.json": colours, ...graph },
      "/outputs/0/labels names labels.txt, which is not there",
    ],
    [
      "an empty label",
      { "colours/model.json": colours, "colours/labels.txt": "red\n\nblue\n", ...graph },
      "/outputs/0/labels label 2 is empty",
    ],
    [
      "a label twice",
      { "colours/model.json": colours, "colours/labels.txt": "red\nblue\nred", ...graph },
      "/outputs/0/labels has the label red twice",
    ],
    [
      "an example that is missing",
      {
        "colours/model.json": { ...colours, example: { image: "example.jpg" } },
        "colours/labels.txt": "red",
        ...graph,
      },
      "/example/image names example.jpg, which is not there",
    ],
    [
      "a graph that is missing",
      { "colours/model.json": colours, "colours/labels.txt": "red" },
      "/runtime/file names model.onnx, which is not there",
    ],
    [
      "a file of its script that is missing",
      {
        "colours/model.json": { ...colours, runtime: { backend: "python", files: ["there.txt", "weights.bin"] } },
        "colours/model.py": "",
        "colours/there.txt": "",
      },
      "/runtime/files/1 names weights.bin, which is not there",
    ],
  ])("is refused for %s", async (_, files, problem) => {
    await writeFiles(folder(), files);
    await expect(load()).rejects.toMatchObject({
      code: "config-invalid",
      message: expect.stringMatching(`/model.json: ${problem}$`) as string,
    });
  });

  test("is refused if two models are the default for the same kind of input", async () => {
    const labelled = { ...colours, defaultFor: "image", outputs: [{ ...scores, labels: ["red"] }] };
    await writeFiles(folder(), {
      ...graph,
      "animals/model.onnx": "",
      "animals/model.json": { ...labelled, name: "animals" },
      "colours/model.json": labelled,
    });
    await expect(load()).rejects.toThrow("/colours/model.json: /defaultFor is image, which animals has already");
  });
});

describe("the models that ship with the project", () => {
  test("load, with one default for texts and one for pictures", async () => {
    const models = await loadModels(shipped, { includeTest: true });
    expect(models.map(({ definition, file }) => [definition.name, definition.defaultFor, file.test])).toEqual([
      ["glimpse", undefined, true],
      ["identity", undefined, true],
      ["language", "text", false],
      ["refuses", undefined, true],
      ["shapes", "image", false],
      ["sleep", undefined, true],
    ]);
    for (const { definition } of models) expect(definition.example).toBeDefined();
  });

  test("include an ONNX file of at most 2 MB", async () => {
    const graph = await readFile(join(shipped, "shapes/model.onnx"));
    expect(graph.length).toBeLessThan(2_000_000);
  });
});
