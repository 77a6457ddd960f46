import type { CampaignOptions } from "../campaign/campaign-options.js";
import type { CampaignResult } from "../campaign/campaign-result.js";
import { checkCampaign, readUsage } from "../campaign/check-campaign.js";
import { untilQuiet } from "../campaign/run-campaign.js";
import { startWorld } from "../campaign/start-world.js";
import type { PlanTask } from "../client/plan-task.js";
import { createScene, type Scene } from "./scene.js";
import { pause, type Stage } from "./stage.js";

type WorldOption =
  "topology" | "separable" | "counts" | "env" | "envOf" | "oracle" | "settings" | "server" | "redisConfig" | "patches";

/** An outage of servers, brought about in a world of its own while clients submit. */
export interface Outage {
  readonly name: string;
  readonly world: Pick<CampaignOptions, WorldOption>;
  readonly perSecond: number;
  /** What the tasks are, if not those of a campaign. */
  readonly plan?: PlanTask;
  readonly act: (stage: Stage) => Promise<void>;
  /** How long everything may take to calm down. @defaultValue 60,000 ms */
  readonly quietMs?: number;
  /** Variables under which the same outage must cost accepted tasks: it shows that it bites. */
  readonly control?: Readonly<Record<string, string>>;
}

/** What became of it. */
export interface OutageResult {
  /** Figures, and evidence that it happened. */
  readonly shown: readonly string[];
  /** What did not hold; empty if all is well. */
  readonly broken: readonly string[];
  readonly campaign: CampaignResult;
}

/** How to run one. */
export interface OutageRun {
  readonly seed: string;
  /** Gets data, programs and logs; must be empty. */
  readonly dir: string;
  readonly say: (line: string) => void;
}

const COUNTS = { api: 2, batcher: 2, "gpu-worker": 2 } as const;
const BASE_TASKS = 80;
const QUIET_MS = 60_000;

/**
 * Work without trouble for a base, the outage under load, everything calms down, and the whole end state is checked.
 * @throws Error if the world does not come up.
 */
export async function runOutage(outage: Outage, { seed, dir, say }: OutageRun): Promise<OutageResult> {
  const startMs = Date.now();
  const options: CampaignOptions = { counts: COUNTS, ...outage.world, seed, dir, say, tasks: 0, kills: 0 };
  const world = await startWorld(options);
  const scene = createScene(world, { seed, perSecond: outage.perSecond, plan: outage.plan, say });
  const { clients, everybody } = scene;
  try {
    await clients.submit(BASE_TASKS, outage.perSecond);
    await untilQuiet(world, everybody, QUIET_MS);
    const usageBefore = await readUsage(world.fleet);
    const baseExecutions = world.oracle.executions();
    await underLoad(scene, () => outage.act(scene));
    const healedMs = Date.now();
    const quiet = await untilQuiet(world, everybody, outage.quietMs ?? QUIET_MS);
    const quietAfterMs = quiet ? Date.now() - healedMs : undefined;
    await everybody.readAllAgain();
    scene.end();
    const { injected, shown, blamed, isExcused } = scene;
    const campaign = await checkCampaign({
      ...{ options, world, injected, usageBefore, baseExecutions, quietAfterMs, startMs, isExcused },
      clients: everybody,
    });
    const broken = [...blamed, ...campaign.violations.map(({ invariant, detail }) => `${invariant}: ${detail}`)];
    return { shown: [...shown, ...figuresOf(scene, campaign)], broken, campaign };
  } finally {
    scene.end();
    await world.stop();
  }
}

async function underLoad(scene: Scene, work: () => Promise<void>): Promise<void> {
  let over = false;
  const submitting = submitWhile(scene, () => !over);
  try {
    await work();
  } finally {
    over = true;
    await submitting;
  }
}

async function submitWhile(scene: Scene, goesOn: () => boolean): Promise<void> {
  while (goesOn()) {
    const { load } = scene;
    if (load > 0) await scene.clients.submit(Infinity, load, () => !goesOn() || scene.load !== load);
    else await pause(10);
  }
}

function figuresOf(scene: Scene, { recoveries }: CampaignResult): string[] {
  const answers = Object.entries(scene.countAnswers()).sort(([, a], [, b]) => b - a);
  return [
    `answers: ${answers.map(([answer, count]) => `${count} x ${answer}`).join(", ")}`,
    ...recoveries.map(
      ({ name, recoveryMs, writeGapMs }) =>
        `${name}: its shards took nothing for at most ${writeGapMs} ms; what was open had ended ${recoveryMs} ms after`,
    ),
  ];
}
