import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OPERATIONS } from "../../../api/src/openapi/operations.js";
import { projectFolders, startStack } from "../../src/index.js";
import { createTaskClient } from "./task-client.js";

const run = promisify(execFile);
let dir: string;
let stack: Awaited<ReturnType<typeof startStack>>;
let taskId = "";

beforeAll(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), "sluice-examples-"));
  stack = await startStack({ dir, models: ["shapes", "language"] });
  const picture = await readFile(path.join(projectFolders.root, "models/shapes/example.jpg"));
  const client = createTaskClient(stack.apiUrl);
  const input = { image_base64: picture.toString("base64") };
  taskId = (await client.run({ input })).task_id;
  await client.close();
}, 90_000);
afterAll(async () => {
  await stack.stop();
  await rm(dir, { recursive: true });
});

/** Runs what a reader would paste, and finds out the status of the answer. */
async function paste(command: string): Promise<{ readonly status: number; readonly body: string }> {
  const script = `set -eo pipefail\ncurl() { command curl -w '\\n%{http_code}' "$@"; }\n${command}`;
  const env = { ...process.env, URL: stack.apiUrl, ID: taskId };
  const { stdout } = await run("bash", ["-c", script], { cwd: projectFolders.root, env, maxBuffer: 16 * 1024 * 1024 });
  const end = stdout.lastIndexOf("\n");
  return { status: Number(stdout.slice(end + 1)), body: stdout.slice(0, end) };
}

const examples = OPERATIONS.flatMap((operation) =>
  operation.examples.map(({ title, curl }) => ({
    operation,
    curl,
    name: `${operation.path}: ${title || operation.summary}`,
  })),
);

describe("every example of /docs works as it stands", () => {
  test.each(examples)("$name", async ({ operation, curl }) => {
    const { status, body } = await paste(curl);
    expect(status, body).toBeLessThan(300);
    const answer = operation.answers.find((each) => each.status === status);
    expect(answer, `an answer ${status} is described`).toBeDefined();
    if (curl.includes("text/event-stream")) expect(body).toMatch(/^event: done\nid: SUCCESS\ndata: \{.*\}$/m);
    else if (answer?.schema) answer.schema.parse(JSON.parse(body));
    else expect(body.length).toBeGreaterThan(100);
  });

  test("those of README too", async () => {
    const readme = await readFile(path.join(projectFolders.root, "README.md"), "utf8");
    const commands = [...readme.matchAll(/^```\n(curl .+)\n```$/gm)].map(([, command = ""]) => command);
    expect(commands.length).toBeGreaterThanOrEqual(2);
    for (const command of commands) {
      const { status, body } = await paste(command.replaceAll("http://127.0.0.1:8080", "$URL"));
      expect(status).toBe(200);
      expect(JSON.parse(body)).toMatchObject({ status: "SUCCESS" });
    }
  });

  test("with another path none of them does", async () => {
    const [first] = examples;
    expect((await paste((first?.curl ?? "").replace("/v1/", "/v0/"))).status).toBe(404);
  });
});
