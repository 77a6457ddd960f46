/** A slot says that it is alive every so often. */
export const HEARTBEAT_MS = 1_000;
/** A slot whose last heartbeat is older is believed dead. */
export const SLOT_ALIVE_MS = 3_000;
/**
 * A claim holds for so much longer than its worker works on it: until the batchers, who look every second, have found a
 * slot silent that died at the last moment. Its death is counted by them alone, and only while the claim is its own.
 */
export const LEASE_SLACK_MS = SLOT_ALIVE_MS + 2_000;
/** A slot that has been silent for so long is taken off the list. */
export const SLOT_FORGET_MS = 60_000;
/** How long a batcher owns a shard without saying so again. */
export const SHARD_LEASE_MS = 5_000;
/** A batcher that has been silent for so long gets no shards any more; below the lease, so that heirs are ready when it ends. */
export const BATCHER_ALIVE_MS = 3_000;
/** A run whose workers died so often with it in company is run alone. */
export const MAX_DEATHS = 3;
/** A run that was alone in so many deaths after that becomes a dead letter. */
export const MAX_ALONE_DEATHS = 3;
