import { createServer } from "node:net";

import { pino } from "pino";
import { expect, test } from "vitest";

import { connectRedis } from "../src/redis/connect.js";

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}

test("who cannot reach Redis is told why, not that a connection is being made", async () => {
  const target = { kind: "single", nodes: [{ host: "127.0.0.1", port: await freePort() }], tls: false } as const;
  const connecting = connectRedis(target, pino({ level: "silent" }), 700);
  await expect(connecting).rejects.toMatchObject({
    code: "storage-unavailable",
    cause: { message: expect.stringContaining("ECONNREFUSED") as string },
  });
});
