import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseCheckerOutput } from "../spec/src/checker-output.js";
import { javaVersion } from "../spec/src/find-java.js";
import { mutateModule } from "../spec/src/mutation.js";
import { mutations } from "../spec/src/mutations.js";
import { mutationsTable, worldsTable } from "../spec/src/tables.js";
import { worldConfig } from "../spec/src/world.js";
import { worlds } from "../spec/src/worlds.js";

const root = new URL("../../", import.meta.url);
const readText = (path: string) => readFileSync(new URL(path, root), "utf8");
const readme = readText("broker/spec/README.md");
const moduleFiles = readdirSync(new URL("broker/spec/", root)).filter((file) => file.endsWith(".tla"));
const definitionsOf = (file: string) =>
  [...readText(`broker/spec/${file}`).matchAll(/^(\w+)(?:\([^)]*\))?\s*==/gm)].map(([, name]) => name ?? "");

describe("the page about the specification", () => {
  const rows = readme
    .split("\n")
    .filter((line) => /^\| `[A-Z]\w+` \| (?:scripts|roles|faults|retention|idempotency) \|/.test(line));
  const actions = rows.map((row) => {
    const [name = "", module = "", file = "", fragment = ""] = row
      .slice(2, -2)
      .split(/(?<!\\) \| /)
      .map((cell) => cell.replace(/^`|`$/g, "").replaceAll("\\|", "|"));
    return { name, module, file, fragment };
  });

  test("names fragments that stand in the files it names", () => {
    const missing = actions.filter(({ file, fragment }) => fragment === "" || !readText(file).includes(fragment));
    expect(missing).toEqual([]);
    expect(actions.length).toBeGreaterThan(50);
  });

  test("names definitions of the modules", () => {
    const unknown = actions.filter(({ name, module }) => !definitionsOf(`${module}.tla`).includes(name));
    expect(unknown).toEqual([]);
  });

  test("names every script, be it as one that has no part in the specification", () => {
    const scripts = readdirSync(new URL("broker/lua/", root)).filter((file) => file.endsWith(".lua"));
    const left = /Scripts that have no part in it: ([^.]+)\./.exec(readme)?.[1] ?? "";
    const named = [...left.matchAll(/`([\w-]+)`/g)].map(([, name]) => `${name}.lua`);
    const shown = actions.map(({ file }) => file.replace("broker/lua/", ""));
    expect(scripts.filter((file) => !named.includes(file) && !shown.includes(file))).toEqual([]);
    expect(named.filter((file) => !scripts.includes(file) || shown.includes(file))).toEqual([]);
  });

  test("shows the worlds and the mutations as they are", () => {
    expect(readme).toContain(worldsTable(worlds));
    expect(readme).toContain(mutationsTable(mutations));
  });
});

describe("mutations", () => {
  test.each(mutations)("$name finds each text once, and changes it", (mutation) => {
    for (const file of new Set(mutation.edits.map((edit) => edit.file))) {
      const text = readText(`broker/spec/${file}`);
      expect(mutateModule(mutation, file, text)).not.toBe(text);
    }
    expect(mutation.edits.length).toBeGreaterThan(0);
    expect(moduleFiles).toEqual(expect.arrayContaining(mutation.edits.map((edit) => edit.file)));
  });

  test("a text that is there twice, or not at all, is an error", () => {
    const [mutation] = mutations;
    if (!mutation) throw new Error("there are none");
    const edits = [{ file: "state.tla", from: "a", to: "b" }];
    expect(() => mutateModule({ ...mutation, edits }, "state.tla", "aa")).toThrow("2 times");
    expect(() => mutateModule({ ...mutation, edits }, "state.tla", "c")).toThrow("0 times");
  });
});

describe("worlds", () => {
  const all = [...worlds.map(({ world }) => world), ...mutations.map(({ world }) => world)];

  test("have names of their own, and so have mutations", () => {
    const names = worlds.map(({ world }) => world.name);
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(mutations.map(({ name }) => name)).size).toBe(mutations.length);
  });

  test("give a value to each constant, and check what is defined", () => {
    for (const world of all) {
      const text = readText(`broker/spec/${world.module === "custody" ? "state" : world.module}.tla`);
      const constants = /^CONSTANTS\n?([\s\S]*?)\n\n/m.exec(text)?.[1] ?? "";
      const names = [...constants.replaceAll(/\\\*.*$/gm, "").matchAll(/\w+/g)]
        .map(([name]) => name)
        .filter((name) => name !== "CONSTANTS");
      expect(Object.keys(world.constants).sort(), world.name).toEqual(names.sort());
      const checked = [...world.invariants, ...world.properties, world.specification];
      expect(definitionsOf(`${world.module}.tla`), world.name).toEqual(expect.arrayContaining(checked));
    }
  });

  test("become configurations", () => {
    const [idempotency] = worlds;
    expect(idempotency && worldConfig(idempotency.world)).toBe(
      "SPECIFICATION Spec\nCONSTANTS\n  q1 = q1\n  q2 = q2\n  q3 = q3\n  q4 = q4\n  Requests = {q1, q2, q3, q4}\n" +
        "  Losses = 0\nSYMMETRY Symmetry\nINVARIANTS OneTask Replayed Once\n",
    );
  });
});

describe("the output of the checker", () => {
  test("says what is violated, and after how many states", () => {
    const output =
      "Error: Invariant Custody is violated.\nState 1: <Initial predicate>\nState 2: <Next line 3>\n" +
      "1,212 states generated, 345 distinct states found, 12 states left on queue.";
    expect(parseCheckerOutput(output)).toEqual({ violated: "Custody", distinctStates: 345, traceLength: 2 });
  });

  test("says how many states there are if nothing is", () => {
    const output =
      "Progress(3): 11 states generated, 7 distinct states found, 1 states left on queue.\n" +
      "Model checking completed. No error has been found.\n1234 states generated, 567 distinct states found, 0 states left";
    expect(parseCheckerOutput(output)).toEqual({ violated: undefined, distinctStates: 567, traceLength: 0 });
  });

  test("says nothing if the checker failed", () => {
    expect(parseCheckerOutput("Error: Parsing or semantic analysis failed.")).toBeUndefined();
    expect(parseCheckerOutput("")).toBeUndefined();
  });
});

test("the version of Java is read from what it says, old ones too", () => {
  expect(javaVersion('openjdk version "17.0.15" 2025-04-15')).toBe(17);
  expect(javaVersion('java version "1.8.0_292"')).toBe(8);
  expect(javaVersion('openjdk version "21" 2023-09-19')).toBe(21);
  expect(javaVersion("no such thing")).toBe(0);
});
