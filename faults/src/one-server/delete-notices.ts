import { blameErrors } from "../outages/blame-errors.js";
import { pause, type Stage, untilTrue } from "../outages/stage.js";
import { awaitService, blameExits } from "./await-service.js";
import { countEntries, NOTICE_STREAMS } from "./work-streams.js";

const BUSY_MS = 10_000;

/** The streams of notices are deleted while batches lie in them: nothing is lost, for notices are no custody. */
export async function deleteNotices(stage: Stage): Promise<void> {
  const { redis } = stage.world;
  await pause(1_000);
  let notices = 0;
  await untilTrue(async () => (notices = await countEntries(redis, NOTICE_STREAMS)) > 1, BUSY_MS);
  stage.mayRepeat("notices deleted");
  await redis.del(...NOTICE_STREAMS);
  stage.show(`${notices} notices were deleted`);
  if (notices === 0) stage.blame("there were no notices");
  await awaitService(stage, Date.now());
  blameErrors(stage);
  blameExits(stage);
}
