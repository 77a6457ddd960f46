import { Command, type Redis } from "ioredis";
import { BrokerError } from "../errors.js";
import { keys, SHARD_COUNT } from "../keys.js";
import type { RedisClient } from "./connect.js";
import { CONFIRM_TIMEOUT_MS, type Confirmation, confirmationOf, type Durability, obstaclesOf } from "./durability.js";
import { confirmsEarly } from "./confirms-early.js";
import { createGroupConfirm } from "./group-confirm.js";
import { joinWrites } from "./join-writes.js";
import { createMasterConnection } from "./master-connection.js";
import { wasNotCarriedOut } from "./not-carried-out.js";
import type { RedisTarget } from "./redis-target.js";
import { touchScript } from "../scripts/touch.js";
import type { Service } from "../service.js";
import { readFactsOf } from "./server-facts.js";
import { within } from "./within.js";

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

/** Longer than the longest wait for a confirmation, which holds up what is sent behind it. */
const COMMAND_TIMEOUT_MS = CONFIRM_TIMEOUT_MS + 2_000;

const PROBE_KEEP_MS = 1_000;

/** A server may accept a connection and then say nothing; the next write finds another. */
const OPEN_TIMEOUT_MS = 2_000;

/** A connection, and the confirmation of what was written on it. */
interface Line {
  readonly redis: Redis;
  readonly confirmation: Confirmation | undefined;
  readonly confirm: () => Promise<void>;
}

/**
 * At level `memory` writes go out on `commands`. Else they have connections of their own, for a confirmation holds up
 * whatever is sent behind it: one, on a Cluster one for each shard. Such a connection is thrown away at the first sign
 * of trouble, never restored: the confirmation of a new one would cover nothing of what the old one wrote.
 */
export function createConfirmedWrites(
  target: RedisTarget,
  commands: RedisClient,
  durability: Durability,
): ConfirmedWrites {
  if (durability.level === "memory") return promiseNothing(commands);
  const lines = new Lines((shard) => openLine(target, commands, { durability, key: keys.owner(shard) }));
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
      await Promise.all(
        [...new Set(shards.map(placeOf))].map(async (place) => {
          const { redis, confirmation } = await lines.get(place);
          if (confirmation?.command === "WAITAOF") await requireHonestWaitAof(redis, keys.probe(place));
        }),
      );
    },
    async stop() {
      lines.close();
    },
  };
}

/** The open connections, one for each place. */
class Lines {
  readonly #open: (place: number) => Promise<Line>;
  readonly #lines = new Map<number, Promise<Line>>();
  #closed = false;

  constructor(open: (place: number) => Promise<Line>) {
    this.#open = open;
  }

  has(place: number): boolean {
    return this.#lines.has(place);
  }

  /** Opens it if need be. */
  get(place: number): Promise<Line> {
    const known = this.#lines.get(place);
    if (known) return known;
    if (this.#closed) throw new BrokerError("shutting-down", "the connections are closed");
    const line = this.#open(place);
    this.#lines.set(place, line);
    const discard = (): void => this.discard(place, line);
    line.then(({ redis }) => redis.on("end", discard)).catch(discard);
    return line;
  }

  discard(place: number, line: Promise<Line>): void {
    if (this.#lines.get(place) !== line) return;
    this.#lines.delete(place);
    line.then(({ redis }) => redis.disconnect()).catch(() => undefined);
  }

  close(): void {
    this.#closed = true;
    for (const [place, line] of this.#lines) this.discard(place, line);
  }
}

async function runOn<Result>(line: Promise<Line>, write: (redis: RedisClient) => Promise<Result>): Promise<Result> {
  const { redis, confirm } = await line.catch((cause: unknown) => {
    const options = { cause, details: { sent: false } };
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

async function openLine(
  target: RedisTarget,
  commands: RedisClient,
  { durability, key }: { readonly durability: Durability; readonly key: string },
): Promise<Line> {
  const redis = await createMasterConnection(target, commands, key, { commandTimeout: COMMAND_TIMEOUT_MS });
  joinWrites(redis);
  try {
    await within(redis.connect(), OPEN_TIMEOUT_MS);
    const facts = await readFactsOf(redis);
    // After a failover another server is the master, which may not be able to keep what the first one could.
    const [obstacle] = obstaclesOf(durability, facts);
    if (obstacle) throw new BrokerError("storage-unavailable", obstacle);
    const confirmation = confirmationOf(durability, facts);
    if (!confirmation) return { redis, confirmation, confirm: () => Promise.resolve() };
    return { redis, confirmation, confirm: createGroupConfirm(() => confirm(redis, confirmation)) };
  } catch (error) {
    redis.disconnect();
    throw BrokerError.from(error, "storage-unavailable", "Redis did not say how it is set up");
  }
}

async function requireHonestWaitAof(redis: Redis, key: string): Promise<void> {
  let early: boolean;
  try {
    early = await confirmsEarly(redis, key);
  } catch (error) {
    throw BrokerError.from(error, "storage-unavailable", "Redis did not confirm a first write");
  }
  if (!early) return;
  const advice = "WAITAOF of this server answers before the disk has the write; set appendfsync always";
  throw new BrokerError("config-invalid", `durability fsync cannot be kept: ${advice}`);
}

async function confirm(redis: Redis, { command, args, atLeast }: Confirmation): Promise<void> {
  let confirmed: number;
  try {
    // WAIT answers a number, WAITAOF two: local disks, disks of replicas.
    const reply = (await redis.sendCommand(new Command(command, args.map(String)))) as number | number[];
    confirmed = Array.isArray(reply) ? (reply[0] ?? 0) : reply;
  } catch (error) {
    throw new BrokerError("durability-unconfirmed", `Redis did not answer ${command}`, { cause: error });
  }
  if (confirmed < atLeast) {
    throw new BrokerError("durability-unconfirmed", `${command} confirmed ${confirmed} of ${atLeast}`);
  }
}

/** The server refused this one write; the next may succeed on the same connection. Not so where it is no master. */
function isAnswer(error: unknown): boolean {
  const cause = error instanceof BrokerError ? error.cause : error;
  if (!(cause instanceof Error) || cause.name !== "ReplyError") return false;
  return !/^(?:MOVED|ASK|TRYAGAIN|CLUSTERDOWN|MASTERDOWN|READONLY|LOADING)\b/.test(cause.message);
}
