import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import createClient from "openapi-fetch";
import openapiTS, { astToString, type OpenAPI3 } from "openapi-typescript";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toOpenApi } from "../../src/openapi/document.js";
import { OPERATIONS } from "../../src/openapi/operations.js";
import { until, useApi } from "../api-fixture.js";
import { onlyRun } from "../answered.js";
import { echoOf, settle } from "../fake-worker.js";

const fixture = useApi();
let dir: string;

beforeAll(async () => {
  // Beside us, for imports are found from there.
  dir = await mkdtemp(join(import.meta.dirname, ".generated-"));
  const document = JSON.parse(JSON.stringify(toOpenApi(OPERATIONS))) as OpenAPI3;
  await writeFile(join(dir, "api.d.ts"), astToString(await openapiTS(document)));
});
afterAll(async () => {
  await rm(dir, { recursive: true });
});

/** What a user's compiler says of a program that uses the generated types. */
async function problemsOf(program: string): Promise<string[]> {
  const file = join(dir, "program.ts");
  await writeFile(file, program);
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    exactOptionalPropertyTypes: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: [],
    lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
  };
  const compiled = ts.createProgram([file, join(dir, "api.d.ts")], options);
  return ts
    .getPreEmitDiagnostics(compiled)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
}

const PROGRAM = `
import createClient from "openapi-fetch";
import type { paths } from "./api.js";

export async function use(baseUrl: string): Promise<string> {
  const client = createClient<paths>({ baseUrl });
  const submitted = await client.POST("/v1/inference", { body: { input: "a text" } });
  if (submitted.error) return submitted.error.code;
  const taskId = submitted.data.task_id;
  const read = await client.GET("/v1/result/{task_id}", { params: { path: { task_id: taskId }, query: { wait: 1 } } });
  if (read.error) return read.error.code;
  const task = read.data;
  const status: "PENDING" | "SUCCESS" | "FAILED" | "EXPIRED" | "CANCELED" | undefined = task?.status;
  return status ?? "nothing";
}
`;

describe("a client that is generated from the document", () => {
  test("compiles, and does not where it is used wrongly", { timeout: 60_000 }, async () => {
    expect(await problemsOf(PROGRAM)).toEqual([]);
    expect(await problemsOf(PROGRAM.replace('"a text"', "17"))).not.toEqual([]);
    expect(await problemsOf(PROGRAM.replace("/v1/result/", "/v1/results/"))).not.toEqual([]);
    expect(await problemsOf(PROGRAM.replace('"PENDING" | ', ""))).not.toEqual([]);
  });

  test("calls the server", async () => {
    const client = createClient<Record<string, Record<string, object>>>({ baseUrl: fixture.api.url }) as unknown as {
      POST(path: string, options: object): Promise<{ data?: Record<string, unknown>; error?: Record<string, unknown> }>;
      GET(path: string, options: object): Promise<{ data?: Record<string, unknown>; error?: Record<string, unknown> }>;
    };
    const submitted = await client.POST("/v1/inference", { body: { input: "a text" } });
    const taskId = String(submitted.data?.["task_id"]);
    const options = { params: { path: { task_id: taskId }, query: { wait: 5 } } };
    const reading = client.GET("/v1/result/{task_id}", options);
    await until(() => fixture.api.waitCount() === 1);
    await settle(fixture.redis, await onlyRun(fixture), echoOf("A"));
    expect((await reading).data).toMatchObject({ status: "SUCCESS", output: { echo: "A" } });
    const refused = await client.POST("/v1/inference", { body: { input: 17 } });
    expect(refused.error).toMatchObject({ code: "validation-failed" });
  });
});
