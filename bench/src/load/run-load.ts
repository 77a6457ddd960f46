import { runMeasuredChild, type WindowHooks } from "../process/measured-child.js";
import type { LoadPlan } from "./load-plan.js";
import type { LoadReport } from "./load-recorder.js";

/** Puts a load on a server from a process of its own. */
export async function runLoad(plan: LoadPlan, hooks: WindowHooks = {}): Promise<LoadReport> {
  return await runMeasuredChild<LoadPlan, LoadReport>(new URL("./load-generator.js", import.meta.url), plan, hooks);
}
