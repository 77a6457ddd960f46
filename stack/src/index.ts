export { freePort, freePorts } from "./free-port.js";
export { createProgress, type Progress, silentProgress } from "./progress.js";
export { projectFolders } from "./project-folders.js";
export { startRedisCluster, type RedisCluster } from "./redis/start-redis-cluster.js";
export { startRedisServer, type RedisServer, type RedisServerOptions } from "./redis/start-redis-server.js";
export { prepareTriton, type TritonInstallation } from "./triton/prepare-triton.js";
export { type ModelServer, type ModelServerOptions, startModelServer } from "./triton/start-model-server.js";
export { startTriton, type Triton, type TritonOptions } from "./triton/start-triton.js";
