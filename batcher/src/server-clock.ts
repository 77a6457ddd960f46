import type { Clock, RedisClient } from "@sluice/broker";

/** What time it is on the Redis server: deadlines and admissions are in its time, not in ours. */
export interface ServerClock {
  /** Measures how far the two clocks are apart. @throws the Redis error; the last measurement stays. */
  measure(): Promise<void>;
  /** Estimated server time, milliseconds since 1970; right to about half a round trip. */
  nowMs(): number;
}

/** Until the first measurement it trusts this machine's clock. */
export function createServerClock(redis: RedisClient, clock: Clock): ServerClock {
  let aheadOfMonotonicMs = clock.epochMs() - clock.monotonicMs();
  return {
    async measure() {
      const askedMs = clock.monotonicMs();
      const [seconds, micros] = await redis.time();
      const serverMs = Number(seconds) * 1_000 + Number(micros) / 1_000;
      aheadOfMonotonicMs = serverMs - (askedMs + clock.monotonicMs()) / 2;
    },
    nowMs: () => clock.monotonicMs() + aheadOfMonotonicMs,
  };
}
