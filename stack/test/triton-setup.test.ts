import { join } from "node:path";

import { prepareTriton, type Progress } from "@sluice/stack";
import { expect, test } from "vitest";

import { runCommand } from "../src/process/run-command.js";
import { checkKnownAnswer } from "../src/triton/check-known-answer.js";
import { useTemporaryFolder } from "./temporary-folder.js";

const folder = useTemporaryFolder();

/** Remembers the names of the steps. */
function createStepList(): { readonly steps: string[]; readonly progress: Progress } {
  const steps: string[] = [];
  const step: Progress["step"] = (what, work) => {
    steps.push(what);
    return work();
  };
  return { steps, progress: { step, say: () => undefined } };
}

test(
  "Triton is set up once, however many ask for it at the same time, and answers as it should",
  { timeout: 300_000 },
  async () => {
    const target = join(folder(), "triton");
    const { steps, progress } = createStepList();
    const [one, other] = await Promise.all([prepareTriton(target, progress), prepareTriton(target, progress)]);
    expect(one).toEqual(other);
    expect(steps).toEqual(["Installing NVIDIA Triton (about 90 MB)", "Checking that Triton gives a known answer"]);

    expect(await prepareTriton(target, progress)).toEqual(one);
    expect(steps).toHaveLength(2);

    // What the check is for: with numpy 2 the server is ready, and its answers are empty.
    await runCommand(one.python, ["-m", "pip", "install", "--no-deps", "--disable-pip-version-check", "numpy==2.2.6"]);
    await expect(checkKnownAnswer(one)).rejects.toThrow(/^Triton answers wrongly: twice \[1,2.5,-3\] is for it /);
  },
);
