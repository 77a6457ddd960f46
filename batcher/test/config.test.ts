import { expect, test } from "vitest";
import { readConfig } from "../src/config.js";

test("without any environment it speaks to the Redis of this machine", () => {
  expect(readConfig({})).toEqual({
    redis: { kind: "single", nodes: [{ host: "127.0.0.1", port: 6379 }], tls: false },
    zone: "local",
    metricsHost: "127.0.0.1",
    metricsPort: 0,
    logLevel: "info",
  });
});

test("the environment decides", () => {
  const env = {
    REDIS_URL: "redis-cluster://a:1,b:2",
    ZONE: "east",
    METRICS_HOST: "0.0.0.0",
    METRICS_PORT: "9100",
    LOG_LEVEL: "debug",
  };
  expect(readConfig(env)).toMatchObject({
    redis: {
      kind: "cluster",
      nodes: [
        { host: "a", port: 1 },
        { host: "b", port: 2 },
      ],
    },
    zone: "east",
    metricsHost: "0.0.0.0",
    metricsPort: 9100,
    logLevel: "debug",
  });
});

test("every bad value is named at once, and no password with it", () => {
  const env = { REDIS_URL: "http://user:secret@a", ZONE: "a:b", METRICS_PORT: "70000", LOG_LEVEL: "loud" };
  const read = () => readConfig(env);
  expect(read).toThrowError(/Redis URL.*ZONE \(a:b\).*METRICS_PORT \(70000\).*LOG_LEVEL \(loud\)/);
  expect(read).not.toThrowError(/secret/);
});
