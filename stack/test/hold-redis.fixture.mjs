// Starts a redis-server as any program would, says its port, and never stops it. Argument: a folder for its data.
import { startRedisServer } from "@sluice/stack";

const redis = await startRedisServer({ dir: process.argv[2] });
console.log(redis.port);
