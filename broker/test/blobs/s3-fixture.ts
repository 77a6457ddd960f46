import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { type S3Server, type S3User, startS3Server } from "@sluice/stack";
import { afterAll, beforeAll, vi } from "vitest";

/** May do everything. */
export const OWNER: S3User = {
  accessKeyId: "owner",
  secretAccessKey: "of-everything",
  rights: ["Admin", "Read", "Write", "List"],
};
/** May read and list. */
export const READER: S3User = { accessKeyId: "reader", secretAccessKey: "of-some-things", rights: ["Read", "List"] };

/** A real S3 storage for one test file, reached with the credentials of `OWNER`. */
export interface S3Fixture {
  server: S3Server;
  /** Makes a bucket of that name. */
  makeBucket: (name: string) => Promise<void>;
  /** Puts an object there by way of the SDK alone. */
  putObject: (bucket: string, key: string, body: Uint8Array | string) => Promise<void>;
}

/** @param setUp runs when it answers. */
export function useS3(setUp?: (fixture: S3Fixture) => Promise<void>): S3Fixture {
  const fixture = {} as S3Fixture;
  let client: S3Client;
  beforeAll(async () => {
    fixture.server = await startS3Server([OWNER, READER]);
    const { endpoint } = fixture.server;
    client = new S3Client({ endpoint, region: "us-east-1", forcePathStyle: true, credentials: OWNER });
    becomeUser(OWNER);
    await setUp?.(fixture);
  }, 300_000);
  afterAll(async () => {
    client.destroy();
    await fixture.server.stop();
    vi.unstubAllEnvs();
  });
  fixture.makeBucket = async (name) => void (await client.send(new CreateBucketCommand({ Bucket: name })));
  fixture.putObject = async (bucket, key, body) =>
    void (await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body })));
  return fixture;
}

/** What is opened from now on has the credentials of this user, as a process has that is started with them. */
export function becomeUser({ accessKeyId, secretAccessKey }: Omit<S3User, "rights">): void {
  vi.stubEnv("AWS_ACCESS_KEY_ID", accessKeyId);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", secretAccessKey);
}
