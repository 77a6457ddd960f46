import { BrokerError, DEFAULT_ZONE, NAME_PATTERN, parseRedisUrl, type RedisTarget } from "@sluice/broker";

const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

/** What is fixed for the life of the process. Everything else is a live setting. */
export interface BatcherConfig {
  /** `REDIS_URL`: one Redis, or a Cluster (see parseRedisUrl). @defaultValue redis://127.0.0.1:6379 */
  readonly redis: RedisTarget;
  /** `ZONE`: whose work this batcher looks after, and that of zones without batchers. @defaultValue local */
  readonly zone: string;
  /** `METRICS_HOST`: the address on which metrics and health are served. @defaultValue 127.0.0.1 */
  readonly metricsHost: string;
  /** `METRICS_PORT`: 0 takes a free one, which the log names. @defaultValue 0 */
  readonly metricsPort: number;
  /** `LOG_LEVEL`. `debug` has a line for each batch. @defaultValue info */
  readonly logLevel: (typeof LOG_LEVELS)[number];
}

/**
 * Reads the environment, once.
 * @throws BrokerError config-invalid that names every bad value.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>> = process.env): BatcherConfig {
  const problems: string[] = [];
  const read = <Value>(parse: () => Value, fallback: Value): Value => {
    try {
      return parse();
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
      return fallback;
    }
  };
  const fallbackTarget = parseRedisUrl("redis://127.0.0.1:6379");
  const config: BatcherConfig = {
    redis: read(() => (env["REDIS_URL"] ? parseRedisUrl(env["REDIS_URL"]) : fallbackTarget), fallbackTarget),
    zone: read(() => parseZone(env["ZONE"] ?? DEFAULT_ZONE), DEFAULT_ZONE),
    metricsHost: env["METRICS_HOST"] ?? "127.0.0.1",
    metricsPort: read(() => parsePort("METRICS_PORT", env["METRICS_PORT"] ?? "0"), 0),
    logLevel: read(() => parseLogLevel(env["LOG_LEVEL"] ?? "info"), "info"),
  };
  if (problems.length > 0) throw new BrokerError("config-invalid", problems.join("; "), { details: { problems } });
  return Object.freeze(config);
}

function parseZone(text: string): string {
  if (NAME_PATTERN.test(text)) return text;
  throw new BrokerError("config-invalid", `ZONE (${text}) must be a name of small letters and digits`);
}

function parsePort(name: string, text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new BrokerError("config-invalid", `${name} (${text}) must be a port, 0 to 65535`);
}

function parseLogLevel(text: string): BatcherConfig["logLevel"] {
  const level = LOG_LEVELS.find((candidate) => candidate === text);
  if (level) return level;
  throw new BrokerError("config-invalid", `LOG_LEVEL (${text}) must be one of ${LOG_LEVELS.join(", ")}`);
}
