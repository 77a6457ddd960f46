import {
  claimRuns,
  createNoticeReader,
  type CreditMessage,
  finishBatch,
  heartbeatSlots,
  keys,
  type Notice,
  type NoticeReader,
  type PulledNotice,
  type RedisClient,
  type RedisTarget,
  removeSlots,
  type RunRecord,
  type Service,
  settleRuns,
  unclaimRuns,
} from "@sluice/broker";

/** What a worker does with a batch that it has claimed. `die`: nothing more, and its heartbeat ends. */
export type Conduct = "settle" | "return" | "hang" | "die" | "lose finish";

/** How a worker of the tests behaves. */
export interface FakeWorkerOptions {
  readonly name: string;
  readonly slots: number;
  /** How long one batch takes, one after another as on a GPU, milliseconds. */
  readonly serviceMs: (size: number) => number;
  readonly leaseMs: number;
  readonly conduct: (notice: Notice) => Conduct;
}

/** A worker that does what the gpu-worker does, without inference, through the broker's own functions. */
export interface FakeWorker extends Service {
  /** Every notice that it pulled, in order. */
  readonly notices: readonly Notice[];
  /** Runs that it settled, in order. */
  readonly settled: readonly string[];
  /** Stops hearing and doing anything, as if it had been killed. */
  die(): void;
}

let workers = 0;

/** Its slots pull one notice after another. */
export function createFakeWorker(
  at: { readonly target: RedisTarget; readonly redis: RedisClient },
  pool: string,
  given: Partial<FakeWorkerOptions>,
): FakeWorker {
  const options: FakeWorkerOptions = {
    name: `w${++workers}`,
    slots: 1,
    serviceMs: () => 0,
    leaseMs: 15_000,
    conduct: () => "settle",
    ...given,
  };
  const worker = new Worker(at.redis, pool, options);
  const readers: NoticeReader[] = [];
  let loops: Promise<void>[] = [];
  return {
    notices: worker.notices,
    settled: worker.settled,
    die: () => worker.die(),
    async start() {
      await worker.heartbeat();
      loops = worker.slots.map((slot) => {
        const reader = createNoticeReader(at.target, at.redis, pool, slot);
        readers.push(reader);
        return worker.run(slot, reader);
      });
    },
    async stop() {
      worker.die();
      for (const reader of readers) reader.close();
      await Promise.all(loops);
      await removeSlots(at.redis, pool, worker.slots);
    },
  };
}

class Worker {
  readonly notices: Notice[] = [];
  readonly settled: string[] = [];
  readonly slots: readonly string[];
  readonly #redis: RedisClient;
  readonly #pool: string;
  readonly #options: FakeWorkerOptions;
  #dead = false;
  #beat: NodeJS.Timeout | undefined;
  #gpu = Promise.resolve();

  constructor(redis: RedisClient, pool: string, options: FakeWorkerOptions) {
    this.#redis = redis;
    this.#pool = pool;
    this.#options = options;
    this.slots = Array.from({ length: options.slots }, (_, slot) => `${options.name}#${slot}`);
  }

  async heartbeat(): Promise<void> {
    if (this.#dead) return;
    await heartbeatSlots(this.#redis, this.#pool, this.slots).catch(() => undefined);
    this.#beat = setTimeout(() => void this.heartbeat(), 500);
  }

  die(): void {
    this.#dead = true;
    clearTimeout(this.#beat);
  }

  async run(slot: string, reader: NoticeReader): Promise<void> {
    while (!this.#dead) {
      try {
        for (const pulled of await reader.pull(["now", "bulk"], 200)) await this.#serve(slot, pulled);
      } catch {
        await sleep(20);
      }
    }
  }

  async #serve(slot: string, { notice, noticeId, batchClass }: PulledNotice): Promise<void> {
    if (!notice || this.#dead) return;
    this.notices.push(notice);
    const { leaseMs, conduct, serviceMs } = this.#options;
    const claims = await claimRuns(this.#redis, notice, { slot, leaseMs, keepMs: 60_000 });
    const what = conduct(notice);
    if (what === "die") this.die();
    if (what === "die" || what === "hang") return;
    const startMs = performance.now();
    await (this.#gpu = this.#gpu.then(() => sleep(serviceMs(notice.rows.length))));
    if (this.#dead) return;
    const unsettled: CreditMessage["unsettled"][number][] = [];
    const claimed: string[] = [];
    notice.rows.forEach(({ runId }, index) => {
      const claim = claims[index];
      const kind = claim instanceof Error || !claim ? "unanswered" : claim.kind;
      if (kind === "claimed" && what === "return") unsettled.push({ runId, why: "returned" });
      else if (kind === "claimed") claimed.push(runId);
      else if (kind === "apart") unsettled.push({ runId, why: "apart" });
      else if (kind !== "closed" && kind !== "dead") unsettled.push({ runId, why: "unknown" });
    });
    await this.#settle(notice, claimed);
    if (what === "return") await this.#giveBack(slot, notice);
    if (what === "lose finish") {
      await this.#redis.xdel(keys.notices(this.#pool, batchClass), noticeId);
      return;
    }
    const message = { batchId: notice.batchId, serviceMs: performance.now() - startMs, unsettled };
    await finishBatch(this.#redis, this.#pool, { batchClass, slot, noticeId, message });
  }

  async #giveBack(slot: string, { batchId, rows }: Notice): Promise<void> {
    const runIds = rows.map((row) => row.runId);
    await unclaimRuns(this.#redis, runIds, { slot, batchId, kind: "returned" });
  }

  async #settle(notice: Notice, runIds: readonly string[]): Promise<void> {
    const output = [{ name: "O", datatype: "BYTES", shape: [1], data: Buffer.from("ok") }];
    const outcome = { state: "SUCCESS", output } as const;
    const settlements = runIds.map((runId) => ({ runId, outcome, record: recordOf(notice) }));
    await settleRuns(this.#redis, settlements, 60_000);
    this.settled.push(...runIds);
  }
}

function recordOf(notice: Notice): RunRecord {
  const times = { queueMs: 0, batchWaitMs: notice.waitMs, preprocessMs: 0, inferMs: 0, gpuShareMs: 0 };
  const size = notice.rows.length;
  return { batchId: notice.batchId, size, unique: size, reason: notice.reason, ...times, attempts: 1 };
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
