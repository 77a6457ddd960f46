import { expect, test } from "vitest";
import { parseWakeUps } from "../src/tasks/wake-up.js";

const parse = (text: string) => parseWakeUps(Buffer.from(text, "latin1"));

test("ids with spaces between are wake-ups without results", () => {
  expect(parse("a b")).toEqual([
    { runId: "a", result: undefined },
    { runId: "b", result: undefined },
  ]);
});

test("results follow the line of heads in their order, whatever bytes they have", () => {
  const [a, b, c] = parse("a,1,2,3,m:1:local:now,2,3 b c,4,5,6,l,0,1\n\n, \xff\nz");
  expect(a?.result).toEqual({
    ...{ runId: "a", admittedMs: 1, finishedMs: 2, deadlineMs: 3, lane: "m:1:local:now" },
    output: Buffer.from("\n,"),
    record: Buffer.from(" \xff\n", "latin1"),
  });
  expect(b).toEqual({ runId: "b", result: undefined });
  expect(c?.result).toMatchObject({ output: Buffer.alloc(0), record: Buffer.from("z") });
});

test("what is cut short or says nonsense wakes, and brings nothing", () => {
  for (const text of ["a,1,2,3,l,2,3\n1234", "a,1,2,3,l,x,3\n1234", "a,1,2,3,l\n", "a,1\n"]) {
    expect(parse(text)).toEqual([{ runId: "a", result: undefined }]);
  }
});
