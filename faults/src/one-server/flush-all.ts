import { keys, registerModels } from "@sluice/broker";

import { CAMPAIGN_SETTINGS } from "../campaign/campaign-options.js";
import { blameErrors } from "../outages/blame-errors.js";
import { pause, type Stage } from "../outages/stage.js";
import { ORACLE_MODEL } from "../oracle/oracle-model.js";
import { awaitService, blameExits } from "./await-service.js";
import { judgeForgotten } from "./judge-forgotten.js";
import { onlyServer } from "./only-server.js";

/** Every process looks at the registered models each second. */
const MODELS_SEEN_MS = 1_500;

/**
 * `FLUSHALL` under load: everything that Redis kept is lost, and an operator registers models and settings again, as
 * `npm start` does. What came before may be forgotten, but never answered wrongly; what comes after is as always.
 */
export async function flushAll(stage: Stage): Promise<void> {
  const server = onlyServer(stage);
  await pause(2_500);
  stage.mayRepeat("everything forgotten");
  const before = Number(await server.command("DBSIZE"));
  await server.command("FLUSHALL");
  await stage.world.redis.hset(keys.config, CAMPAIGN_SETTINGS);
  await registerModels(stage.world.redis, [ORACLE_MODEL]);
  const flushedMs = Date.now();
  stage.excuse(({ submittedMs }) => submittedMs <= flushedMs + MODELS_SEEN_MS);
  stage.show(`${before} keys were lost`);
  await awaitService(stage, flushedMs);
  await pause(6_000);
  judgeForgotten(stage, flushedMs);
  blameErrors(stage, ["404 task-not-found", "410 result-expired", "404 model-not-found"]);
  blameExits(stage);
}
