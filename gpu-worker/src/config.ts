import { availableParallelism } from "node:os";
import {
  type BlobPlace,
  BrokerError,
  DEFAULT_ZONE,
  type Durability,
  type EndpointAddress,
  isS3Endpoint,
  isS3Region,
  NAME_PATTERN,
  parseBucketUrl,
  parseRedisUrl,
  type RedisTarget,
} from "@sluice/broker";
import { defaultMetricsUrl, parseMetricsUrls } from "./backpressure/metrics-url.js";
import { parseEndpointAddresses } from "./endpoints/endpoint-plan.js";
import type { TlsFiles } from "./triton/tls/tls-files.js";

/** How a worker process is set up. */
export interface GpuWorkerConfig {
  /** REDIS_URL, default redis://127.0.0.1:6379. */
  readonly redis: RedisTarget;
  /**
   * DURABILITY (`memory`, `fsync` or `replicated`, default memory) and DURABILITY_REPLICAS (1 to 10, default 1), as the
   * api has them: the input of a run goes when its end lasts so well.
   */
  readonly durability: Durability;
  /** TRITON_URL, `host:port` of the gRPC ports, with commas between, each with a weight or not (`*2`). Default 127.0.0.1:8001. */
  readonly endpoints: readonly EndpointAddress[];
  /**
   * TRITON_ENDPOINTS (`fixed` or `live`, default fixed): only those, or also what operators name in Redis while it runs.
   * With `live`, TRITON_URL may be `none`.
   */
  readonly endpointList: "fixed" | "live";
  /** TRITON_SHARED_MEMORY (`auto` or `off`, default auto): whether tensors go through it where Triton sees ours. */
  readonly sharedMemory: "auto" | "off";
  /**
   * TRITON_TLS_CA, TRITON_TLS_CERT, TRITON_TLS_KEY and TRITON_TLS_NAME: TLS with the first, mutual TLS with the second
   * and third, and the name in Triton's certificate where it is not that in the URL.
   */
  readonly tls?: TlsFiles;
  /** POOL, the pool whose models these Tritons serve, default "default". */
  readonly pool: string;
  /** ZONE, where these Tritons are: work of that zone comes to them, and of others that need help; default "local". */
  readonly zone: string;
  /** TRITON_METRICS_URL, their pages of metrics in the same order, default `http://HOST:8002/metrics`. */
  readonly metricsUrls: ReadonlyMap<string, string>;
  /**
   * SLOTS, the most batches in flight on each Triton of weight 1, 1 to 64, default 2: more pay only where
   * Triton runs several instances. Above two, half of them are used at first, and as many as are found to pay later.
   */
  readonly slots: number;
  /**
   * BLOB_STORE (`s3://BUCKET/PREFIX`, with S3_ENDPOINT and S3_REGION), else BLOB_DIR (a folder, default .sluice/blobs):
   * where large inputs lie, as for the api.
   */
  readonly blobs: BlobPlace;
  /** METRICS_HOST and METRICS_PORT, default 127.0.0.1 and 9102; 0 is any free port. */
  readonly metricsHost: string;
  readonly metricsPort: number;
  /** DECODE_CONCURRENCY, pictures decoded at the same time, default: the number of cores. */
  readonly decodeConcurrency: number;
  /** LOG_LEVEL, default info. */
  readonly logLevel: string;
}

const DURABILITY_LEVELS = ["memory", "fsync", "replicated"] as const;
const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"];

/** @throws BrokerError config-invalid that names every bad variable at once. */
export function readConfig(env: Readonly<Record<string, string | undefined>> = process.env): GpuWorkerConfig {
  const problems: string[] = [];
  const read = <Value>(name: string, fallback: string, parse: (text: string) => Value | undefined): Value => {
    const text = env[name] || fallback;
    const value = parse(text);
    if (value === undefined) problems.push(`${name}: ${withoutPassword(text)} is not allowed`);
    // Where it is undefined after all, the problems are thrown.
    return value as Value;
  };
  const level = read("DURABILITY", "memory", oneOf(DURABILITY_LEVELS));
  const replicas = read("DURABILITY_REPLICAS", "1", integer(1, 10));
  const endpoints = read("TRITON_URL", "127.0.0.1:8001", parseEndpointAddresses);
  const config = {
    durability: level === "replicated" ? { level, replicas } : { level },
    redis: read("REDIS_URL", "redis://127.0.0.1:6379", redisTarget),
    endpoints,
    metricsUrls: metricsUrlsOf(endpoints, read("TRITON_METRICS_URL", "", parseMetricsUrls), problems),
    endpointList: read("TRITON_ENDPOINTS", "fixed", oneOf(["fixed", "live"] as const)),
    sharedMemory: read("TRITON_SHARED_MEMORY", "auto", oneOf(["auto", "off"] as const)),
    ...tlsFiles(read, problems),
    pool: read("POOL", "default", matching(NAME_PATTERN)),
    zone: read("ZONE", DEFAULT_ZONE, matching(NAME_PATTERN)),
    slots: read("SLOTS", "2", integer(1, 64)),
    blobs: readBlobPlace(read),
    metricsHost: read("METRICS_HOST", "127.0.0.1", matching(/^\S+$/)),
    metricsPort: read("METRICS_PORT", "9102", integer(0, 65_535)),
    decodeConcurrency: read("DECODE_CONCURRENCY", String(availableParallelism()), integer(1, 256)),
    logLevel: read("LOG_LEVEL", "info", oneOf(LOG_LEVELS)),
  };
  const hasNone = config.endpoints?.length === 0 && config.endpointList === "fixed";
  if (hasNone) problems.push("TRITON_URL: none is allowed with TRITON_ENDPOINTS=live only");
  if (problems.length > 0) throw new BrokerError("config-invalid", problems.join("; "), { details: { problems } });
  return Object.freeze(config);
}

type Read = <Value>(name: string, fallback: string, parse: (text: string) => Value | undefined) => Value;

function readBlobPlace(read: Read): BlobPlace {
  const folder = read("BLOB_DIR", ".sluice/blobs", matching(/./));
  const bucket = read("BLOB_STORE", "", (text) => (text === "" ? "none" : parseBucketUrl(text)));
  const endpoint = read("S3_ENDPOINT", "", (text) => (text === "" || isS3Endpoint(text) ? text : undefined));
  const region = read("S3_REGION", "us-east-1", (text) => (isS3Region(text) ? text : undefined));
  if (bucket === "none") return { kind: "folder", folder };
  return { kind: "bucket", ...bucket, access: { endpoint: endpoint || undefined, region } };
}

/** Either list is undefined if it could not be read. */
function metricsUrlsOf(
  endpoints: readonly EndpointAddress[] | undefined,
  urls: readonly string[] | undefined,
  problems: string[],
): ReadonlyMap<string, string> {
  if (endpoints && urls?.some((url, i) => url !== "" && i >= endpoints.length)) {
    problems.push("TRITON_METRICS_URL: names more than TRITON_URL");
  }
  return new Map(endpoints?.map(({ url }, i) => [url, urls?.[i] || defaultMetricsUrl(url)]));
}

function tlsFiles(
  read: (name: string, fallback: string, parse: (text: string) => string) => string,
  problems: string[],
): { readonly tls?: TlsFiles } {
  const [ca, cert, key, serverName] = (["CA", "CERT", "KEY", "NAME"] as const).map((part) =>
    read(`TRITON_TLS_${part}`, "", (text) => text),
  );
  if (!cert !== !key) problems.push("TRITON_TLS_CERT and TRITON_TLS_KEY: both or none must be set");
  if (!ca && (cert || key || serverName)) problems.push("TRITON_TLS_CA: is needed by the other TRITON_TLS settings");
  if (!ca) return {};
  return { tls: { ca, ...(cert && key ? { own: { cert, key } } : {}), ...(serverName ? { serverName } : {}) } };
}

function withoutPassword(text: string): string {
  return text.replace(/:\/\/[^@]*@/, "://***@");
}

function redisTarget(text: string): RedisTarget | undefined {
  try {
    return parseRedisUrl(text);
  } catch {
    return undefined;
  }
}

function oneOf<Value extends string>(values: readonly Value[]): (text: string) => Value | undefined {
  return (text) => values.find((value) => value === text);
}

function matching(pattern: RegExp): (text: string) => string | undefined {
  return (text) => (pattern.test(text) ? text : undefined);
}

function integer(min: number, max: number): (text: string) => number | undefined {
  return (text) => (/^\d+$/.test(text) && Number(text) >= min && Number(text) <= max ? Number(text) : undefined);
}
