import {
  type BlobPlace,
  BrokerError,
  DEFAULT_ZONE,
  type Durability,
  isPlainBucket,
  isS3Endpoint,
  isS3Region,
  NAME_PATTERN,
  parseBucketUrl,
  parseRedisUrl,
  type RedisTarget,
  type S3Access,
} from "@sluice/broker";
import { z } from "zod";
import { connectionLimit, openFilesLimit } from "./http/connection-limit.js";
import { type IdentityConfig, identityVariables, readIdentity } from "./identity/identity-config.js";
import { parseUrlAllowance, type UrlAllowance } from "./images/url-allowance.js";

/** What the api process is started with. */
export interface ApiConfig {
  /** `REDIS_URL`; default `redis://127.0.0.1:6379`. */
  readonly redis: RedisTarget;
  /** `DURABILITY` (`memory`, `fsync` or `replicated`; default `memory`), and `DURABILITY_REPLICAS` (default 1). */
  readonly durability: Durability;
  /** `HOST`: address to listen on; default 127.0.0.1, so that nobody else reaches it unasked. */
  readonly host: string;
  /** `PORT`: 0 takes any free one; default 8080. */
  readonly port: number;
  /** `MAX_CONNECTIONS`: of clients; default: as many files as the process may open, but for 256 that it needs itself. */
  readonly maxConnections: number;
  /** `ZONE`: of the tasks that are submitted here; default `local`. */
  readonly zone: string;
  /**
   * Where large inputs lie, as for the workers. `BLOB_STORE` (`s3://BUCKET/PREFIX`), else `BLOB_DIR`: a directory;
   * default `.sluice/blobs`.
   */
  readonly blobs: BlobPlace;
  /** `S3_ENDPOINT`: default Amazon's own; and `S3_REGION`: default `us-east-1`. */
  readonly s3: S3Access;
  /** `S3_INPUT_BUCKETS`: whose objects requests may name as inputs, with commas between; default none. */
  readonly s3InputBuckets: readonly string[];
  /**
   * `BODY_BUDGET_MIB`: what the bodies of all requests may have together, in MiB; above it submissions are refused.
   * The largest body has 67 MiB (a picture of 50 MiB in Base64). Default 512.
   */
  readonly bodyBudgetBytes: number;
  /**
   * Whose images are fetched where a request has a URL: those of public hosts, and of what `IMAGE_URL_ALLOW` lists beside
   * them (see `parseUrlAllowance`; default: nothing). `off` if `IMAGE_URLS` is `off`: none at all.
   */
  readonly imageUrls: UrlAllowance | "off";
  /**
   * `DRAIN_MS`: how long it still answers after SIGTERM before it closes. Set it above the interval in which a load
   * balancer asks for readiness. Default 1,000.
   */
  readonly drainMs: number;
  /**
   * `IDENTITY`: how callers say who they are: `keys`, `jwt` or `keys,jwt`; default `off` where only this machine reaches
   * `HOST`, or with `--insecure`. Tokens must be of `JWT_ISSUER`, for `JWT_AUDIENCE`, by one of `JWT_ALGORITHMS` (default
   * `RS256,ES256,EdDSA`) with a key of `JWT_KEYS`: the URL of a JSON Web Key Set, or a file with a public key in PEM.
   */
  readonly identity: IdentityConfig;
  /** `LOG_LEVEL` of pino; default `info`. */
  readonly logLevel: string;
}

/** Not set, or nothing: both are undefined. */
const optional = (isAllowed: (text: string) => boolean, problem: string) =>
  z
    .string()
    .refine((text) => text === "" || isAllowed(text), problem)
    .optional()
    .transform((text) => text || undefined);
const toList = (text: string): string[] => text.split(",").map((part) => part.trim());

const variables = z.object({
  REDIS_URL: z.string().default("redis://127.0.0.1:6379"),
  DURABILITY: z.enum(["memory", "fsync", "replicated"]).default("memory"),
  DURABILITY_REPLICAS: z.coerce.number().int().min(1).max(10).default(1),
  HOST: z.string().min(1).default("127.0.0.1"),
  PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
  MAX_CONNECTIONS: z.coerce.number().int().min(1).max(10_000_000).optional(),
  ZONE: z.string().regex(NAME_PATTERN).default(DEFAULT_ZONE),
  BLOB_DIR: z.string().min(1).default(".sluice/blobs"),
  BLOB_STORE: optional((text) => parseBucketUrl(text) !== undefined, "must be s3://BUCKET or s3://BUCKET/PREFIX"),
  S3_ENDPOINT: optional(isS3Endpoint, "must be http://HOST or https://HOST"),
  S3_REGION: z.string().refine(isS3Region, "must be the name of a region").default("us-east-1"),
  S3_INPUT_BUCKETS: optional(
    (text) => toList(text).every(isPlainBucket),
    "must be names of buckets with commas between",
  ),
  BODY_BUDGET_MIB: z.coerce.number().int().min(80).max(65_536).default(512),
  IMAGE_URLS: z.enum(["on", "off"]).default("on"),
  IMAGE_URL_ALLOW: z.string().default(""),
  ...identityVariables,
  DRAIN_MS: z.coerce.number().int().min(0).max(60_000).default(1_000),
  LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
});

/**
 * Reads the environment, once.
 * @param args `--insecure` allows to be reached by others without identity.
 * @throws BrokerError config-invalid that names every bad variable.
 */
export function parseConfig(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  args: readonly string[] = [],
): ApiConfig {
  const result = variables.safeParse(environment);
  if (!result.success) {
    const problems = result.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw new BrokerError("config-invalid", problems.join("; "), { details: { problems } });
  }
  const {
    REDIS_URL,
    DURABILITY,
    DURABILITY_REPLICAS,
    HOST,
    PORT,
    MAX_CONNECTIONS,
    ZONE,
    BLOB_DIR,
    BLOB_STORE = "",
    S3_ENDPOINT,
    S3_REGION,
    S3_INPUT_BUCKETS,
    BODY_BUDGET_MIB,
    IMAGE_URLS,
    IMAGE_URL_ALLOW,
    DRAIN_MS,
    LOG_LEVEL,
  } = result.data;
  const read = readIdentity(result.data, { host: HOST, insecure: args.includes("--insecure") });
  if ("problem" in read)
    throw new BrokerError("config-invalid", read.problem, { details: { problems: [read.problem] } });
  const s3 = { endpoint: S3_ENDPOINT, region: S3_REGION };
  const bucket = parseBucketUrl(BLOB_STORE);
  return {
    redis: parseRedisUrl(REDIS_URL),
    durability:
      DURABILITY === "replicated" ? { level: DURABILITY, replicas: DURABILITY_REPLICAS } : { level: DURABILITY },
    host: HOST,
    port: PORT,
    maxConnections: MAX_CONNECTIONS ?? connectionLimit(openFilesLimit()),
    zone: ZONE,
    blobs: bucket ? { kind: "bucket", ...bucket, access: s3 } : { kind: "folder", folder: BLOB_DIR },
    s3,
    s3InputBuckets: S3_INPUT_BUCKETS === undefined ? [] : toList(S3_INPUT_BUCKETS),
    bodyBudgetBytes: BODY_BUDGET_MIB * 1024 * 1024,
    imageUrls: IMAGE_URLS === "off" ? "off" : parseUrlAllowance(IMAGE_URL_ALLOW),
    identity: read.identity,
    drainMs: DRAIN_MS,
    logLevel: LOG_LEVEL,
  };
}
