import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import type { TritonClient } from "@sluice/gpu-worker";
import { prepareTriton, projectFolders, startTriton, type Triton, type TritonInstallation } from "@sluice/stack";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { addLightModels, type LightModel, loadModels, writeTritonRepository } from "../src/index.js";
import { bytesTensor, createTestClient, floatRows, floatTensor, infer, stringsOf } from "./infer.js";

const LIGHT_FOLDER = join(projectFolders.written, "light-models");
const LIGHT_NAMES = ["light_resnet50", "light_squeezenet", "light_shufflenet"] as const;

let folder: string;
let installation: TritonInstallation;
let lightModels: LightModel[];
let triton: Triton;
let client: TritonClient;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-models-"));
  installation = await prepareTriton();
  lightModels = await addLightModels({ python: installation.python, folder: LIGHT_FOLDER, names: LIGHT_NAMES });
  const models = await Promise.all(
    [projectFolders.models, LIGHT_FOLDER].map((from) => loadModels(from, { includeTest: true })),
  );
  const repository = join(folder, "repository");
  await writeTritonRepository(models.flat(), repository, "python");
  triton = await startTriton({ installation, repository });
  client = createTestClient(triton.grpcUrl);
}, 300_000);
afterAll(async () => {
  await client.close();
  await triton.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Largest difference between two rows of numbers of the same length. */
function distance(one: ArrayLike<number>, other: ArrayLike<number>): number {
  expect(one.length).toBe(other.length);
  return Array.from(one).reduce((largest, value, i) => Math.max(largest, Math.abs(value - (other[i] ?? NaN))), 0);
}

describe("language", () => {
  const texts = [
    "Le renard brun saute par-dessus le chien paresseux",
    "Der schnelle braune Fuchs springt über den faulen Hund",
    "The quick brown fox jumps over the lazy dog",
    "いろはにほへと ちりぬるを",
    "🦊🦊",
    "",
    " ",
    "\0",
    "1234 !!",
  ].map((text) => Buffer.from(text));
  const odd = [Buffer.from([0xff, 0xfe, 0x80]), Buffer.from([0xe2, 0x82]), Buffer.alloc(100_000, "abc ")];
  const rows = [...texts, ...odd];

  /** [label, score] of every text, straight from py3langid, one text at a time. */
  async function scoresOfTheLibrary(): Promise<Record<string, number>[]> {
    const script = `
import base64, json, sys
from py3langid.langid import MODEL_FILE, LanguageIdentifier
identifier = LanguageIdentifier.from_pickled_model(MODEL_FILE, norm_probs=True)
print(json.dumps([dict(identifier.rank(base64.b64decode(text))) for text in sys.argv[1:]]))`;
    // Short enough for an argument; a feature of a longer text overflows the library's 16-bit counters.
    const short = rows.filter((row) => row.length < 1_000).map((row) => row.toString("base64"));
    const { stdout } = await promisify(execFile)(installation.python, ["-c", script, ...short]);
    return JSON.parse(stdout) as Record<string, number>[];
  }

  test("gives every text of a batch the probabilities that py3langid gives it alone", async () => {
    const [language] = (await loadModels(projectFolders.models, { includeTest: false })).map((m) => m.definition);
    const output = language?.outputs[0];
    if (output?.kind !== "labels") throw new Error("language has labels");
    const answers = floatRows(await infer(client, "language", bytesTensor("TEXT", rows), "SCORES"));
    expect(answers).toHaveLength(rows.length);
    const expected = await scoresOfTheLibrary();
    expect(expected).toHaveLength(rows.length - 1);
    for (const [row, scores] of expected.entries()) {
      const inOrder = output.labels.map((label) => scores[label] ?? NaN);
      expect(distance(answers[row] ?? [], inOrder)).toBeLessThan(1e-5);
    }
    for (const scores of answers) expect(scores.reduce((sum, score) => sum + score, 0)).toBeCloseTo(1, 4);
    const best = answers.map((scores) => output.labels[scores.indexOf(Math.max(...scores))]);
    expect(best.slice(0, 4)).toEqual(["fr", "de", "en", "ja"]);
  });

  test("computes a batch in one execution, and a text alone comes out as it does among others", async () => {
    const statistics = async () => (await client.modelStatistics("language", { deadlineMs: 5_000 }))[0];
    const before = await statistics();
    const together = floatRows(await infer(client, "language", bytesTensor("TEXT", rows), "SCORES"));
    const executions = async () => Number((await statistics())?.executionCount) - Number(before?.executionCount);
    // Triton answers before it counts.
    await expect.poll(executions, { timeout: 5_000 }).toBeGreaterThan(0);
    expect(await executions()).toBe(1);
    expect(Number((await statistics())?.inferenceCount) - Number(before?.inferenceCount)).toBe(rows.length);
    for (const [index, row] of rows.entries()) {
      const [alone] = floatRows(await infer(client, "language", bytesTensor("TEXT", [row]), "SCORES"));
      expect(distance(alone ?? [], together[index] ?? [])).toBeLessThan(1e-5);
    }
  });
});

describe("the light networks of the onnx package", () => {
  test.each(LIGHT_NAMES)("%s answers each row of a batch as the package expects", async (name) => {
    const model = lightModels.find((candidate) => candidate.name === name);
    if (model === undefined) throw new Error("it was fetched before");
    const rowCount = 3;
    const values = new Float32Array(rowCount * model.input.values.length);
    for (let row = 0; row < rowCount; row++) values.set(model.input.values, row * model.input.values.length);
    const [input, output] = await tensorNames(model);
    const answer = await infer(
      client,
      model.name,
      floatTensor(input, [rowCount, ...model.input.shape], values),
      output,
    );
    expect(answer.shape).toEqual([rowCount, ...model.expected.shape]);
    const size = Math.max(...model.expected.values.map(Math.abs));
    for (const row of floatRows(answer)) expect(distance(row, model.expected.values) / size).toBeLessThan(1e-3);

    // Control: their answers are the same for all inputs, but not for one that is no number.
    values.fill(NaN, 0, model.input.values.length);
    const [broken, right] = floatRows(
      await infer(client, model.name, floatTensor(input, [rowCount, ...model.input.shape], values), output),
    );
    expect(broken?.every(Number.isNaN)).toBe(true);
    expect(distance(right ?? [], model.expected.values) / size).toBeLessThan(1e-3);
  });

  async function tensorNames({ name }: LightModel): Promise<[input: string, output: string]> {
    const { inputs, outputs } = await client.modelMetadata(name, "1", { deadlineMs: 5_000 });
    return [inputs[0]?.name ?? "", outputs[0]?.name ?? ""];
  }

  test("are not fetched again when they are there", async () => {
    const again = await addLightModels({ python: "/there/is/no/python", folder: LIGHT_FOLDER, names: LIGHT_NAMES });
    expect(again.map((model) => model.name)).toEqual(LIGHT_NAMES);
    const elsewhere = join(folder, "elsewhere");
    await expect(
      addLightModels({ python: "/there/is/no/python", folder: elsewhere, names: LIGHT_NAMES }),
    ).rejects.toMatchObject({
      code: "internal",
    });
  });
});

describe("shapes", () => {
  test("gives each of 64 rows the answer that it gets alone, as probabilities", async () => {
    const pixels = 3 * 64 * 64;
    const values = Float32Array.from({ length: 64 * pixels }, (_, i) => Math.sin(i * i * 0.001 + i / pixels) * 2);
    for (const output of ["MAIN", "PRESENT"]) {
      const together = floatRows(await infer(client, "shapes", floatTensor("IMAGE", [64, 3, 64, 64], values), output));
      expect(together).toHaveLength(64);
      for (const row of [0, 31, 63]) {
        const one = values.slice(row * pixels, (row + 1) * pixels);
        const [alone] = floatRows(await infer(client, "shapes", floatTensor("IMAGE", [1, 3, 64, 64], one), output));
        expect(distance(alone ?? [], together[row] ?? [])).toBeLessThan(1e-5);
        expect(alone?.every((score) => score >= 0 && score <= 1)).toBe(true);
        if (output === "MAIN") expect(alone?.reduce((sum, score) => sum + score, 0)).toBeCloseTo(1, 4);
      }
    }
  });
});

describe("the models for tests", () => {
  test("identity answers the numbers that it was given", async () => {
    const values = Float32Array.of(1, -2.5, 3e38, 0, 1e-40, Infinity);
    const answer = await infer(client, "identity", floatTensor("INPUT", [3, 2], values), "OUTPUT");
    expect(answer.shape).toEqual([3, 2]);
    expect(new Float32Array(answer.data.slice().buffer)).toEqual(values);
  });

  test("sleep answers digests, and takes 5 ms and a quarter of one for each row, one call after the other", async () => {
    const texts = Array.from({ length: 64 }, (_, row) => Buffer.from(`text ${row}`));
    const started = performance.now();
    const calls = Array.from({ length: 4 }, () => infer(client, "sleep", bytesTensor("TEXT", texts), "DIGEST"));
    for (const { data } of await Promise.all(calls)) {
      expect(stringsOf(data)).toEqual(texts.map((text) => createHash("sha256").update(text).digest("hex")));
    }
    expect(performance.now() - started).toBeGreaterThanOrEqual(4 * (5 + 64 / 4) - 1);
  });

  test("refuses echoes texts, refuses a call for one bad text, and goes on", async () => {
    const ask = async (...texts: string[]) =>
      stringsOf(
        (
          await infer(
            client,
            "refuses",
            bytesTensor(
              "TEXT",
              texts.map((text) => Buffer.from(text)),
            ),
            "ECHO",
          )
        ).data,
      );
    expect(await ask("good", "")).toEqual(["good", ""]);
    await expect(ask("good", "some poison")).rejects.toMatchObject({ details: { status: "INTERNAL" } });
    await expect(ask("invalid", "good")).rejects.toMatchObject({ details: { status: "INVALID_ARGUMENT" } });
    expect(await ask("good")).toEqual(["good"]);
  });
});

/** What Triton logs when it is started with a repository that it cannot serve. */
async function logOfRefusal(repository: string): Promise<string> {
  const logFile = join(await mkdtemp(join(folder, "refusal-")), "triton.log");
  await expect(startTriton({ installation, repository, logFile })).rejects.toThrow("ended with code 1");
  return readFile(logFile, "utf8");
}

test("a graph that does not fit its model.json is not served, and the reason is said", async () => {
  const fetched = await loadModels(LIGHT_FOLDER, { includeTest: true });
  const squeezenet = fetched.find(({ definition }) => definition.name === "light_squeezenet");
  if (squeezenet?.file.runtime.backend !== "onnx") throw new Error("squeezenet is an ONNX model");
  const runtime = { ...squeezenet.file.runtime, batchDimension: "dynamic" } as const;
  const repository = join(folder, "unfit");
  await writeTritonRepository([{ ...squeezenet, file: { ...squeezenet.file, runtime } }], repository, "python");
  expect(await logOfRefusal(repository)).toContain(
    'model.json says that the batch dimension is "dynamic", but in the graph it is 1',
  );
});

test("Triton reads the configuration for onnxruntime, and misses nothing but that backend here", async () => {
  const shipped = await loadModels(projectFolders.models, { includeTest: false });
  const shapes = shipped.filter(({ definition }) => definition.name === "shapes");
  const repository = join(folder, "onnxruntime");
  await writeTritonRepository(shapes, repository, "onnxruntime");
  expect(await logOfRefusal(repository)).toMatch(/unable to find backend library for backend 'onnxruntime'/);

  // Control: a field that Triton does not know is another error.
  const path = join(repository, "shapes/config.pbtxt");
  await writeFile(path, `${await readFile(path, "utf8")}batch_limit: 3\n`);
  const log = await logOfRefusal(repository);
  expect(log).toContain('has no field named "batch_limit"');
  expect(log).not.toContain("unable to find backend library");
});
