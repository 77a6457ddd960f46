import { BrokerError } from "../errors.js";
import { keys, SHARD_COUNT } from "../keys.js";
import type { RedisClient } from "./connect.js";
import { type ConfirmingLine, openConfirmingLine } from "./confirming-line.js";
import type { Durability } from "./durability.js";
import { wasNotCarriedOut } from "./not-carried-out.js";
import type { RedisTarget } from "./redis-target.js";
import { touchScript } from "../scripts/touch.js";
import type { Service } from "../service.js";
import { untilAnswered } from "./until-answered.js";

/** Writes whose callers hear of success only when it will last, at the level of durability that was chosen. */
export interface ConfirmedWrites extends Service {
  /**
   * @param write runs on the connection that is to be used, and must write something even if all is done already:
   * a confirmation covers what its own connection has written.
   * @throws BrokerError durability-unconfirmed if it was carried out and nobody confirmed it: repeat it; or what
   * `write` throws.
   */
  run<Result>(shard: number, write: (redis: RedisClient) => Promise<Result>): Promise<Result>;
  /**
   * Runs a command that may only read: what its reply says lasts, whoever wrote it.
   * @throws BrokerError storage-unavailable if that is not sure, or what `command` throws.
   */
  lasting<Result>(shard: number, command: (redis: RedisClient) => Promise<Result>): Promise<Result>;
  /** Whether `lasting` does more than to run the command. */
  readonly confirms: boolean;
  /**
   * Finds out whether confirmations can be believed, before anything is promised.
   * @throws BrokerError config-invalid if a server confirms too early | storage-unavailable
   */
  start(): Promise<void>;
}

const PROBE_KEEP_MS = 1_000;

/**
 * At level `memory` writes go out on `commands`. Else they have connections of their own, for a confirmation holds up
 * whatever is sent behind it: one, on a Cluster one for each shard. Such a connection is thrown away at the first sign
 * of trouble, never restored: a new one may lead to another master, whose confirmation says nothing of what was written.
 */
export function createConfirmedWrites(
  target: RedisTarget,
  commands: RedisClient,
  durability: Durability,
): ConfirmedWrites {
  if (durability.level === "memory") return promiseNothing(commands);
  const options = { target, commands, durability, honest: new Map<string, Promise<boolean>>() };
  const lines = new Lines((shard) =>
    openConfirmingLine(options, { owner: keys.owner(shard), probe: keys.probe(shard) }),
  );
  const placeOf = (shard: number): number => (target.kind === "cluster" ? shard : 0);
  const run: ConfirmedWrites["run"] = async (shard, write) => {
    const place = placeOf(shard);
    const wasOpen = lines.has(place);
    const line = lines.get(place);
    try {
      return await runOn(line, write);
    } catch (error) {
      if (isAnswer(error)) throw error;
      lines.discard(place, line);
      // A connection that was cut while it was idle shows it only now: nothing was sent.
      if (!wasOpen || !wasNotCarriedOut(error)) throw error;
      return await runOn(lines.get(place), write);
    }
  };
  return {
    run,
    confirms: true,
    lasting: (shard, command) => asLasting(() => run(shard, (redis) => withTouch(redis, shard, command))),
    async start() {
      // On a Cluster each shard, for each master may be another version.
      const shards = Array.from({ length: SHARD_COUNT }, (_, shard) => shard);
      await untilAnswered(() => Promise.all([...new Set(shards.map(placeOf))].map((place) => lines.get(place))));
    },
    async stop() {
      lines.close();
    },
  };
}

/** The open connections, one for each place. */
class Lines {
  readonly #open: (place: number) => Promise<ConfirmingLine>;
  readonly #lines = new Map<number, Promise<ConfirmingLine>>();
  #closed = false;

  constructor(open: (place: number) => Promise<ConfirmingLine>) {
    this.#open = open;
  }

  has(place: number): boolean {
    return this.#lines.has(place);
  }

  /** Opens it if need be. */
  get(place: number): Promise<ConfirmingLine> {
    const known = this.#lines.get(place);
    if (known) return known;
    if (this.#closed) throw new BrokerError("shutting-down", "the connections are closed");
    const line = this.#open(place);
    this.#lines.set(place, line);
    const discard = (): void => this.discard(place, line);
    line.then(({ redis }) => redis.on("end", discard)).catch(discard);
    return line;
  }

  discard(place: number, line: Promise<ConfirmingLine>): void {
    if (this.#lines.get(place) !== line) return;
    this.#lines.delete(place);
    line.then(({ redis }) => redis.disconnect()).catch(() => undefined);
  }

  close(): void {
    this.#closed = true;
    for (const [place, line] of this.#lines) this.discard(place, line);
  }
}

async function runOn<Result>(
  line: Promise<ConfirmingLine>,
  write: (redis: RedisClient) => Promise<Result>,
): Promise<Result> {
  const { redis, confirm } = await line.catch((cause: unknown) => {
    const options = { cause, details: { sent: false } };
    // A server that cannot keep the promise is no reason to give the same answer as one that is away.
    if (cause instanceof BrokerError && cause.code === "config-invalid") {
      throw new BrokerError("durability-unconfirmed", cause.message, options);
    }
    throw new BrokerError("storage-unavailable", "there is no connection that confirms writes", options);
  });
  const result = await write(redis);
  await confirm();
  return result;
}

/** The write makes the confirmation cover whatever the server has written before. */
async function withTouch<Result>(
  redis: RedisClient,
  shard: number,
  command: (redis: RedisClient) => Promise<Result>,
): Promise<Result> {
  const result = await command(redis);
  await touchScript.run(redis, { probe: keys.probe(shard) }, { keepMs: PROBE_KEEP_MS });
  return result;
}

async function asLasting<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof BrokerError && error.code === "durability-unconfirmed")) throw error;
    throw new BrokerError("storage-unavailable", "it is not sure yet that this lasts", { cause: error });
  }
}

function promiseNothing(commands: RedisClient): ConfirmedWrites {
  return {
    run: (_shard, write) => write(commands),
    lasting: (_shard, command) => command(commands),
    confirms: false,
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
  };
}

/** The server refused this one write; the next may succeed on the same connection. Not so where it is no master. */
function isAnswer(error: unknown): boolean {
  const cause = error instanceof BrokerError ? error.cause : error;
  if (!(cause instanceof Error) || cause.name !== "ReplyError") return false;
  return !/^(?:MOVED|ASK|TRYAGAIN|CLUSTERDOWN|MASTERDOWN|READONLY|LOADING)\b/.test(cause.message);
}
