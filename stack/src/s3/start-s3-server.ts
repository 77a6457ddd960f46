import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type RunningProcess, startProcess } from "../process/start-process.js";
import { waitUntilReady } from "../process/wait-until-ready.js";
import { withFreePorts } from "../with-free-ports.js";
import { prepareS3Server } from "./prepare-s3-server.js";

/** Who may use the storage, and for what. */
export interface S3User {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly rights: readonly ("Admin" | "Read" | "Write" | "List")[];
}

/** A storage of ours that speaks S3's protocol. */
export interface S3Server {
  /** `http://127.0.0.1:PORT`, without buckets. */
  readonly endpoint: string;
  readonly port: number;
  /** Its data go too. May be called twice. */
  stop(): Promise<void>;
}

/**
 * Starts a real SeaweedFS with its S3 gateway on the loopback, with data in a folder that goes when it is stopped, and
 * waits until it can store something (about 6 s). It ends with this process.
 * @throws like prepareS3Server; Error with the end of its log if it does not come up.
 */
export async function startS3Server(users: readonly S3User[]): Promise<S3Server> {
  const program = await prepareS3Server();
  const dir = await mkdtemp(join(tmpdir(), "sluice-s3-"));
  const identities = users.map(({ accessKeyId, secretAccessKey, rights }) => ({
    name: accessKeyId,
    credentials: [{ accessKey: accessKeyId, secretKey: secretAccessKey }],
    actions: rights,
  }));
  await writeFile(join(dir, "users.json"), JSON.stringify({ identities }));
  const { running, port } = await withFreePorts(PARTS.length * 2, (ports) => startOn(ports, dir, program));
  return {
    endpoint: `http://127.0.0.1:${port}`,
    port,
    async stop() {
      // Told to end it waits ten seconds for whoever still writes.
      await running.stop(500);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Each answers HTTP on one port and gRPC on another. */
const PARTS = ["master", "volume", "filer", "s3"] as const;

async function startOn(
  ports: readonly number[],
  dir: string,
  program: string,
): Promise<{ readonly running: RunningProcess; readonly port: number }> {
  const portOf = (part: (typeof PARTS)[number]): number => ports[PARTS.indexOf(part) * 2] ?? 0;
  const running = await startProcess({
    name: "S3 storage",
    command: program,
    args: [
      ...[
        "server",
        "-s3",
        `-dir=${dir}`,
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        `-s3.config=${join(dir, "users.json")}`,
      ],
      ...PARTS.flatMap((part, i) => [`-${part}.port=${ports[i * 2]}`, `-${part}.port.grpc=${ports[i * 2 + 1]}`]),
      ...[
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.iam=false",
        "-s3.cacheCapacityMB=0",
        "-s3.readerCacheSizeMB=0",
      ],
      ...[`-filer.localSocket=${join(dir, "filer.sock")}`, `-s3.localSocket=${join(dir, "s3.sock")}`],
      ...["-master.telemetry=false", "-master.volumeSizeLimitMB=256", "-volume.max=16", "-volume.preStopSeconds=0"],
    ],
    logFile: join(dir, "s3.log"),
    // One file of data for each bucket is enough.
    env: { ...process.env, WEED_MASTER_VOLUME_GROWTH_COPY_1: "1" },
  });
  await waitUntilReady(running, {
    isReady: () => canStore(portOf("master"), portOf("s3")),
    timeoutMs: 60_000,
    everyMs: 100,
  });
  return { running, port: portOf("s3") };
}

/** Whether the S3 gateway answers, and the master finds a place for a file. */
async function canStore(masterPort: number, s3Port: number): Promise<boolean> {
  const assigned = await fetch(`http://127.0.0.1:${masterPort}/dir/assign`);
  const answered = await fetch(`http://127.0.0.1:${s3Port}/healthz`);
  return assigned.ok && "fid" in ((await assigned.json()) as object) && answered.ok;
}
