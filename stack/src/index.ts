export { freePort } from "./free-port.js";
export { type RedisCluster, startRedisCluster } from "./redis/start-redis-cluster.js";
export { type RedisServer, type RedisServerOptions, startRedisServer } from "./redis/start-redis-server.js";
