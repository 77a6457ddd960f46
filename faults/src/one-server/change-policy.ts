import { readReadiness } from "../check/readiness.js";
import { blameErrors } from "../outages/blame-errors.js";
import { pause, type Stage, untilTrue } from "../outages/stage.js";
import { awaitNotReady, awaitService, blameExits } from "./await-service.js";
import { onlyServer } from "./only-server.js";

const WRONG = "allkeys-lru";
const RIGHT = "noeviction";
/** An api has started by then, has looked at its server, and listens. */
const BOOT_MS = 15_000;
/** Time to become ready all the same. */
const STAYS_MS = 1_500;

/** Redis is told to throw keys away when it is full: every api says that it is not ready, and one that starts then too. */
export async function changePolicy(stage: Stage): Promise<void> {
  const server = onlyServer(stage);
  await pause(500);
  await server.command("CONFIG", "SET", "maxmemory-policy", WRONG);
  await awaitNotReady(stage, new RegExp(WRONG));
  const [staying, booting] = stage.world.fleet.ofRole("api");
  if (staying === undefined || booting === undefined) throw new Error("there are not two apis");
  stage.useApis([staying]);
  await booting.terminate(5_000);
  let hasStarted = false;
  const started = booting.restart().then(() => (hasStarted = true));
  let says = "";
  await untilTrue(async () => (says = (await readReadiness(booting)).says).includes(WRONG), BOOT_MS);
  await pause(STAYS_MS);
  if (hasStarted) stage.blame(`${booting.name} was ready at its start`);
  else if (!says.includes(WRONG)) stage.blame(`${booting.name} does not say at its start why it is not ready: ${says}`);
  else stage.show(`${booting.name}, started then, says: ${says}`);
  await server.command("CONFIG", "SET", "maxmemory-policy", RIGHT);
  const backMs = Date.now();
  await started;
  stage.useApis([staying, booting]);
  await awaitService(stage, backMs);
  blameErrors(stage);
  blameExits(stage);
}
