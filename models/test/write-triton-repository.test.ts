import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { type LoadedModel, loadModels, tritonConfig, type TritonFlavour, writeTritonRepository } from "../src/index.js";
import { useTemporaryFolder, writeFiles } from "./temporary-folder.js";

const folder = useTemporaryFolder();
const target = () => join(folder(), "repository");

const output = { kind: "tensor", name: "numbers", tensor: "OUT", datatype: "FP32", dims: [2] };
const input = { kind: "tensor", tensor: "IN", datatype: "FP32", dims: [2] };
const script = { name: "script", input, outputs: [output], runtime: { backend: "python", files: ["weights.bin"] } };
const graph = { name: "graph", input, outputs: [output], runtime: { backend: "onnx", file: "trained.onnx" } };

async function models(): Promise<LoadedModel[]> {
  await writeFiles(join(folder(), "models"), {
    "script/model.json": script,
    "script/model.py": "the script",
    "script/weights.bin": "the weights",
    "graph/model.json": graph,
    "graph/trained.onnx": "the graph",
  });
  return loadModels(join(folder(), "models"), { includeTest: true });
}

/** Every file under the repository, with its content. */
async function contents(): Promise<Record<string, string>> {
  const files = (await readdir(target(), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name));
  const texts = await Promise.all(paths.map((path) => readFile(path, "utf8")));
  return Object.fromEntries(paths.map((path, index) => [path.slice(target().length + 1), texts[index] ?? ""]));
}

/** Changes with every replacement of a file, whatever the clock's resolution. */
const inodeOf = async (path: string) => (await stat(join(target(), path), { bigint: true })).ino;

describe("a Triton repository", () => {
  test.each(["python", "onnxruntime"] as TritonFlavour[])("for %s holds all that it takes", async (flavour) => {
    const [graphModel, scriptModel] = await models();
    if (graphModel === undefined || scriptModel === undefined) throw new Error("two models were written");
    expect(await writeTritonRepository([graphModel, scriptModel], target(), flavour)).toEqual(["graph", "script"]);
    const onnxScript = await readFile(new URL("../python/onnx_model.py", import.meta.url), "utf8");
    expect(await contents()).toEqual({
      "graph/config.pbtxt": tritonConfig(graphModel, flavour),
      "graph/1/model.onnx": "the graph",
      ...(flavour === "python" ? { "graph/1/model.py": onnxScript } : {}),
      "script/config.pbtxt": tritonConfig(scriptModel, flavour),
      "script/1/model.py": "the script",
      "script/1/weights.bin": "the weights",
    });
  });

  test("is left alone by a second call, but for files that changed", async () => {
    const before = await models();
    await writeTritonRepository(before, target(), "python");
    const [script, weights] = [await inodeOf("script/1/model.py"), await inodeOf("script/1/weights.bin")];
    expect(await writeTritonRepository(before, target(), "python")).toEqual([]);
    expect(await inodeOf("script/1/model.py")).toBe(script);

    await writeFiles(join(folder(), "models"), { "script/model.py": "a better script" });
    expect(await writeTritonRepository(before, target(), "python")).toEqual(["script"]);
    expect(await inodeOf("script/1/model.py")).not.toBe(script);
    expect(await inodeOf("script/1/weights.bin")).toBe(weights);
    expect((await contents())["script/1/model.py"]).toBe("a better script");
  });

  test("loses the models that are gone, and keeps those that somebody else put there", async () => {
    const all = await models();
    await writeTritonRepository(all, target(), "python");
    await writeFiles(target(), { "theirs/config.pbtxt": 'name: "theirs"', "theirs/1/model.onnx": "", "note.txt": "" });
    expect(await writeTritonRepository(all.slice(0, 1), target(), "python")).toEqual(["script"]);
    expect((await readdir(target())).sort()).toEqual(["graph", "note.txt", "theirs"]);
  });
});
