import { openPolls, type PollPlan } from "./open-polls.js";

/** How often the parent is told how many are open. */
const TELL_EVERY_MS = 500;

/** The crowd as a process: gets a plan, tells all polls again and again, and ends with its parent. */
process.on("message", (plan: PollPlan) => {
  const polls = openPolls(plan);
  setInterval(() => process.send?.(polls), TELL_EVERY_MS);
});
process.on("disconnect", () => process.exit(0));
