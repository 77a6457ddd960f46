import { Command, type Redis } from "ioredis";
import { BrokerError } from "../errors.js";
import type { RedisClient } from "./connect.js";
import { confirmsEarly } from "./confirms-early.js";
import { CONFIRM_TIMEOUT_MS, type Confirmation, confirmationOf, type Durability, obstaclesOf } from "./durability.js";
import { createGroupConfirm } from "./group-confirm.js";
import { joinWrites } from "./join-writes.js";
import { createMasterConnection } from "./master-connection.js";
import type { RedisTarget } from "./redis-target.js";
import { readFactsOf } from "./server-facts.js";
import { within } from "./within.js";

/** A connection to one master, and the confirmation of what was written on it. */
export interface ConfirmingLine {
  readonly redis: Redis;
  /** @throws BrokerError durability-unconfirmed */
  readonly confirm: () => Promise<void>;
}

/** Where lines go to, and what they confirm. */
export interface ConfirmingLineOptions {
  readonly target: RedisTarget;
  /** Resolves which Cluster node holds a key. */
  readonly commands: RedisClient;
  readonly durability: Durability;
  /** By the run id of each server whether it forces its log out before it says so. Asked once for each. */
  readonly honest: Map<string, Promise<boolean>>;
}

/** Longer than the longest wait for a confirmation, which holds up what is sent behind it. */
const COMMAND_TIMEOUT_MS = CONFIRM_TIMEOUT_MS + 2_000;
/** A server may accept a connection and then say nothing; the next write finds another. */
const OPEN_TIMEOUT_MS = 2_000;

/**
 * Opens a connection to the master that holds the `owner` key of a shard. What the server can confirm is asked each
 * time: after a failover another one is the master, and settings are changed while servers run.
 * @param probe a key of the shard that may be written.
 * @throws BrokerError config-invalid if this server cannot keep the promise | storage-unavailable
 */
export async function openConfirmingLine(
  { target, commands, durability, honest }: ConfirmingLineOptions,
  { owner, probe }: { readonly owner: string; readonly probe: string },
): Promise<ConfirmingLine> {
  const redis = await createMasterConnection(target, commands, owner, { commandTimeout: COMMAND_TIMEOUT_MS });
  joinWrites(redis);
  try {
    await within(redis.connect(), OPEN_TIMEOUT_MS);
    const facts = await readFactsOf(redis);
    const [obstacle] = obstaclesOf(durability, facts);
    if (obstacle) throw new BrokerError("config-invalid", obstacle);
    const confirmation = confirmationOf(durability, facts);
    if (!confirmation) return { redis, confirm: () => Promise.resolve() };
    if (confirmation.command === "WAITAOF") await requireHonestWaitAof(redis, { probe, runId: facts.runId, honest });
    return { redis, confirm: createGroupConfirm(() => confirm(redis, confirmation)) };
  } catch (error) {
    redis.disconnect();
    throw BrokerError.from(error, "storage-unavailable", "Redis did not say how it is set up");
  }
}

async function requireHonestWaitAof(
  redis: Redis,
  { probe, runId, honest }: { readonly probe: string; readonly runId: string } & Pick<ConfirmingLineOptions, "honest">,
): Promise<void> {
  const asked = honest.get(runId) ?? confirmsEarly(redis, probe).then((early) => !early);
  honest.set(runId, asked);
  let isHonest: boolean;
  try {
    isHonest = await asked;
  } catch (error) {
    honest.delete(runId);
    throw BrokerError.from(error, "storage-unavailable", "Redis did not confirm a first write");
  }
  if (isHonest) return;
  const advice = "WAITAOF of this server answers before the disk has the write; set appendfsync always";
  throw new BrokerError("config-invalid", `durability fsync cannot be kept: ${advice}`);
}

async function confirm(redis: Redis, { command, args, holds }: Confirmation): Promise<void> {
  let reply: unknown;
  try {
    reply = await redis.sendCommand(new Command(command, args.map(String), { replyEncoding: "utf8" }));
  } catch (error) {
    throw new BrokerError("durability-unconfirmed", `Redis did not answer ${command}`, { cause: error });
  }
  if (!holds(reply)) {
    throw new BrokerError("durability-unconfirmed", `${command} does not confirm: ${JSON.stringify(reply)}`);
  }
}
