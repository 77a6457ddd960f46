import { mkdtemp, readdir, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { openBlobStore, openS3Objects } from "@sluice/broker";
import { expect, test } from "vitest";
import { PNG } from "../../../api/test/pictures.js";
import { OWNER, useS3 } from "../../../broker/test/blobs/s3-fixture.js";
import { startStack } from "../../src/index.js";
import { createTaskClient } from "./task-client.js";

const BUCKETS = ["blobs", "pictures"] as const;
const s3 = useS3(async ({ makeBucket, putObject }) => {
  for (const bucket of BUCKETS) await makeBucket(bucket);
  await putObject("pictures", "photo.png", PNG);
});

test("a picture comes from S3, is kept in S3, and is classified", { timeout: 90_000 }, async () => {
  const dir = await mkdtemp(path.join(os.tmpdir(), "sluice-s3-"));
  const access = { endpoint: s3.server.endpoint, region: "us-east-1" };
  const stack = await startStack({
    dir,
    models: ["shapes"],
    env: {
      BLOB_STORE: "s3://blobs/sluice",
      S3_ENDPOINT: access.endpoint,
      S3_INPUT_BUCKETS: "pictures",
      AWS_ACCESS_KEY_ID: OWNER.accessKeyId,
      AWS_SECRET_ACCESS_KEY: OWNER.secretAccessKey,
    },
  });
  const client = createTaskClient(stack.apiUrl);
  try {
    const result = await client.run({ input: { s3: { bucket: "pictures", key: "photo.png" } } });
    expect(result).toMatchObject({ status: "SUCCESS", cache: "miss" });
    // The reaper leaves it there for 20 s.
    const blobs = await openBlobStore({ kind: "bucket", bucket: "blobs", prefix: "sluice/", access });
    expect((await blobs.get(result.task_id))?.equals(PNG)).toBe(true);
    const { objects } = await (
      await openS3Objects(access)
    ).list({ bucket: "blobs", prefix: "" }, AbortSignal.timeout(5_000));
    expect(objects.map(({ key }) => key)).toEqual([`sluice/${result.task_id}`]);
    expect(await readdir(dir)).not.toContain("blobs");
  } finally {
    await client.close();
    await stack.stop();
    await rm(dir, { recursive: true });
  }
});
