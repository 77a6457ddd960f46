/** What the command takes from its environment. */
export interface SluiceConfig {
  /** `REDIS_URL`, as the roles have it (see parseRedisUrl). @defaultValue redis://127.0.0.1:6379 */
  readonly redisUrl: string;
}

/** Reads the environment, once. */
export function readConfig(env: Readonly<Record<string, string | undefined>> = process.env): SluiceConfig {
  return { redisUrl: env["REDIS_URL"] || "redis://127.0.0.1:6379" };
}
