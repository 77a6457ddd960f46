import { pino } from "pino";
import { answerParent } from "../process/report-to-parent.js";
import { measureRounds, type RoundsPlan, type RoundsReport } from "./measure-rounds.js";

/** Admits tasks in a process of its own. It is one for all rounds, as an API is: code is compiled, connections are open. */
answerParent<RoundsPlan, RoundsReport>(async (plan, { onOpen, onClose }) => {
  onOpen();
  const report = await measureRounds(plan, pino({ level: "warn" }));
  onClose();
  return report;
});
