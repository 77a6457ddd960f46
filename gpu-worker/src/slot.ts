import type { BatchClass, NoticeReader, PulledNotice, Service } from "@sluice/broker";
import type { Endpoint } from "./endpoint.js";
import { handleNotice, type NoticeDeps, type NoticeHolder } from "./handle-notice.js";
import { pause } from "./pause.js";
import { troubleMs } from "./retry-policy.js";

/** One place for a batch in a worker. */
export interface Slot extends Service {
  /** Monotonic time when Redis last answered a pull, or the slot last saw that it must be away. */
  readonly lastPollMs: () => number;
}

/** What a slot is made of. */
export interface SlotDeps extends NoticeDeps {
  readonly reader: NoticeReader;
}

/** Which slot it is. */
export interface SlotOptions {
  /** New at every boot; no spaces. */
  readonly name: string;
  /** Its number among the slots of its endpoint, from 0: the highest are the first that are taken away. */
  readonly index: number;
  readonly pool: string;
}

/** How long a pull waits for a batch: a slot that is stopped, or whose endpoint is gone, notices that much later. */
const PULL_MS = 250;
/** How often a slot that is away looks whether it may come back. */
const READY_POLL_MS = 100;

/**
 * Pulls batches and runs them, one at a time, until it is stopped.
 *
 *   away ──endpoint ready, and may take so many──▶ listed ──notice──▶ busy ──finished──▶ listed
 *    ▲                                               │
 *    └──endpoint not ready, or may take fewer────────┘
 *
 * A slot that is listed or busy has a heartbeat, one that is away has none: it brings no credits, and while all are
 * away admission refuses. Redis in trouble, or an endpoint that gives work back, only makes it wait a little longer.
 */
export function createSlot(deps: SlotDeps, { name, index, pool }: SlotOptions): Slot {
  const { clock, endpoint, heartbeat, log } = deps;
  const stop = new AbortController();
  let running: Promise<void> | undefined;
  let lastPollMs = clock.monotonicMs();

  const holder = { slot: name, pool, stopping: stop.signal };
  /** @returns whether something went wrong that waiting may help. */
  const turn = async (): Promise<boolean> => {
    if (!endpoint.isReady() || !endpoint.mayPull(index)) {
      await heartbeat.leave(name);
      lastPollMs = clock.monotonicMs();
      await pause(READY_POLL_MS, stop.signal);
      return false;
    }
    await deps.gate.whenOpen();
    await heartbeat.join(name);
    const notices = await deps.reader.pull(classesOf(index, endpoint.limit()), PULL_MS);
    lastPollMs = clock.monotonicMs();
    let gaveBack = false;
    for (const notice of notices) {
      const slotIsFree = endpoint.slotTakes(index);
      try {
        if (await runCounted(notice, holder, deps)) gaveBack = true;
      } finally {
        slotIsFree();
      }
    }
    return gaveBack;
  };
  const loop = async (): Promise<void> => {
    for (let troubles = 0; !stop.signal.aborted;) {
      const troubled = await turn().catch((err: unknown) => {
        if (troubles === 0) log.warn({ err, slot: name }, "slot in trouble");
        heartbeat.doubt(name);
        return true;
      });
      troubles = troubled ? troubles + 1 : 0;
      if (troubled) await pause(troubleMs(troubles, deps.random()), stop.signal);
    }
  };
  return {
    lastPollMs: () => lastPollMs,
    async start() {
      if (!stop.signal.aborted) running ??= loop();
    },
    async stop() {
      stop.abort();
      await running;
      deps.reader.close();
      await heartbeat.leave(name);
    },
  };
}

/** It counts as a batch of the endpoint that runs it. @returns whether something was given back. */
async function runCounted(
  notice: PulledNotice,
  holder: Omit<NoticeHolder, "runsOn">,
  deps: NoticeDeps,
): Promise<boolean> {
  let batchEnds: ((rows: number) => void) | undefined;
  let rows = 0;
  try {
    const runsOn = (endpoint: Endpoint): void => void (batchEnds = endpoint.batchBegins());
    const gaveBack = await handleNotice(notice, { ...holder, runsOn }, deps);
    if (!gaveBack) rows = notice.notice?.rows.length ?? 0;
    return gaveBack;
  } finally {
    batchEnds?.(rows);
  }
}

/** The first slot is kept for `now`, so that bulk work never takes all; a slot that is the only one serves both. */
function classesOf(index: number, limit: number): readonly BatchClass[] {
  return index === 0 && limit > 1 ? ["now"] : ["now", "bulk"];
}
