export { type Clock, systemClock } from "./clock.js";
export { BrokerError, ERROR_CODES, type ErrorCode } from "./errors.js";
export type { Service } from "./service.js";

export { type Digest, digestOf } from "./digest.js";
export { createTaskId, parseTaskId } from "./ids.js";
export { keys, SHARD_COUNT } from "./keys.js";
export { type BatchClass, DEFAULT_ZONE, formatLane, type Lane, parseLane } from "./lane.js";

export { connectRedis, type RedisClient } from "./redis/connect.js";
export { type ConfirmedWrites, createConfirmedWrites } from "./redis/confirmed-writes.js";
export { confirmsEarly } from "./redis/confirms-early.js";
export type { Durability } from "./redis/durability.js";
export { wasNotCarriedOut } from "./redis/not-carried-out.js";
export { createPoller } from "./redis/poller.js";
export { untilAnswered } from "./redis/until-answered.js";
export { parseRedisUrl, type RedisTarget } from "./redis/redis-target.js";
export { readMemoryUse } from "./redis/memory-use.js";
export { createServerWatch, type ServerWatch } from "./redis/server-watch.js";
export { createShardSubscriber, type ShardSubscriber } from "./redis/shard-subscriber.js";

export {
  type Datatype,
  type ModelDefinition,
  type ModelInput,
  type ModelOutput,
  modelDefinitionSchema,
  NAME_PATTERN,
} from "./models/model-definition.js";
export { createModelRegistry, type ModelRegistry, registerModels } from "./models/model-registry.js";
export { addEndpoint, drainEndpoint, readEndpoints, removeEndpoint } from "./endpoints/endpoint-list.js";
export { createLiveEndpoints, type LiveEndpoints } from "./endpoints/live-endpoints.js";
export {
  type EndpointAddress,
  type EndpointState,
  parseEndpointAddress,
  type PoolEndpoint,
} from "./endpoints/pool-endpoint.js";
export { createLiveSettings, type LiveSettings } from "./settings/live-settings.js";
export { changeSetting, type WantedSetting } from "./settings/change-setting.js";
export {
  DEFAULT_SETTINGS,
  findSettingProblems,
  formatSettingField,
  mayBeOwn,
  parseSettingField,
  parseSettings,
  SETTING_NAMES,
  type SettingField,
  type SettingName,
  type SettingProblem,
  type Settings,
  settingText,
} from "./settings/settings.js";
export {
  readSettingsHistory,
  readSettingsLog,
  type SettingLogEntry,
  type SettingsHistory,
} from "./settings/settings-log.js";
export { readSettingsState, type SettingsState } from "./settings/settings-state.js";

export { admitTask, type AdmitRequest } from "./tasks/admission.js";
export {
  type BuriedRun,
  type DeadLetter,
  deleteDeadLetter,
  findDeadLetter,
  listDeadLetterBlobs,
  listDeadLetters,
  readDeadLetter,
  redriveDeadLetter,
} from "./tasks/dead-letters.js";
export { createDoneEvents, type DoneEvents, type Wake } from "./tasks/done-events.js";
export {
  bindIdempotencyKey,
  confirmIdempotencyKey,
  type IdempotentRequest,
  type IdempotentTask,
  namesTask,
  rebindIdempotencyKey,
  releaseIdempotencyKey,
  shardOfIdempotencyKey,
} from "./tasks/idempotency.js";
export {
  decodeFailure,
  decodeOutput,
  decodeRecord,
  encodeFailure,
  encodeOutput,
  encodeRecord,
  type OutputTensor,
  type RunRecord,
  type TaskFailure,
} from "./tasks/outcome.js";
export { cancelTask, readTask } from "./tasks/read-task.js";
export { keepMs, taskKeptMs } from "./tasks/retention.js";
export type { CarriedResult } from "./tasks/wake-up.js";
export {
  decodeTensorInput,
  ELEMENT_BYTES,
  encodeTensorInput,
  fitsShape,
  type InputTensor,
  tensorSignature,
} from "./tasks/tensor-input.js";
export type { AdmitReply } from "./scripts/admit.js";
export type { ClaimReply } from "./scripts/claim.js";
export type { ExpireReply } from "./scripts/expire.js";
export type { LookUpReply } from "./scripts/look-up.js";
export type { OwnShardReply } from "./scripts/own-shard.js";
export type { PublishReply } from "./scripts/publish-batch.js";
export type { ReadTaskReply } from "./scripts/read-task.js";
export type { SettleReply } from "./scripts/settle.js";

export { type BlobReaper, createBlobReaper } from "./blobs/blob-reaper.js";
export { type BlobStore } from "./blobs/blob-store.js";
export {
  type BlobPlace,
  type BucketPrefix,
  isS3Endpoint,
  isS3Region,
  parseBucketUrl,
  type S3Access,
} from "./blobs/blob-place.js";
export { createLocalBlobStore } from "./blobs/local-blob-store.js";
export { openBlobStore } from "./blobs/open-blob-store.js";
export { isPlainBucket } from "./blobs/s3-bucket.js";
export { openS3Objects, type S3Name, type S3Object, type S3Objects } from "./blobs/s3-objects.js";
export { readS3Object } from "./blobs/s3-read-object.js";
export { withS3Retries } from "./blobs/s3-retries.js";
export { findUnneededBlobs } from "./blobs/unneeded-blobs.js";

export { expireRuns, lookUpRuns, publishBatch, type RunPlace } from "./batches/batcher-custody.js";
export {
  type BatchReason,
  type CreditMessage,
  decodeCredit,
  decodeNotice,
  encodeCredit,
  encodeNotice,
  type Notice,
  type UnsettledReason,
} from "./batches/notice.js";
export { createNoticeReader, type NoticeReader, type PulledNotice } from "./batches/notice-reader.js";
export {
  countLiveSlots,
  type DeadNotice,
  dropIdleSlots,
  findDeadNotices,
  heartbeatSlots,
  type PoolUse,
  readPoolUse,
  reclaimDeadNotice,
  removeSlots,
} from "./batches/pool-slots.js";
export { countEndpoints, formatSlotName, type SlotPlace } from "./batches/slot-name.js";
export {
  BATCHER_ALIVE_MS,
  HEARTBEAT_MS,
  LEASE_SLACK_MS,
  MAX_ALONE_DEATHS,
  MAX_DEATHS,
  SHARD_LEASE_MS,
  SLOT_ALIVE_MS,
} from "./batches/protocol-limits.js";
export { dropLane, listLanes, openLane, type ReadyStream } from "./batches/ready-lanes.js";
export {
  createReadyReader,
  buryEntries,
  dropIdleBatchers,
  readNew,
  type ReadyReader,
  sweepPending,
} from "./batches/ready-reader.js";
export { parseReadyEntry, type Ref } from "./batches/ref.js";
export { type LaneReport, readLaneReports, tellLaneReports } from "./batches/lane-report.js";
export { type LaneLoad, readLaneLoads, tellLaneLoads } from "./batches/lane-load.js";
export {
  type LearnedTime,
  type LearnedTimes,
  learnedTimesOf,
  readLearnedTimes,
  writeLearnedTimes,
} from "./batches/service-times-store.js";
export { announceBatcher, ownShard, readBatchers, removeBatcher, type ZoneBatcher } from "./batches/shard-ownership.js";
export { createKnownZones, joinZones, type KnownZones, readZones } from "./zones/known-zones.js";
export { siteOf, zoneOfSite } from "./zones/site.js";
export {
  claimRuns,
  finishBatch,
  type RowOutcome,
  type Settlement,
  settleRuns,
  unclaimRuns,
} from "./batches/worker-custody.js";
export { type ApiKey, apiKeyId, isOwnerName, type Scope, SCOPES } from "./identity/api-key.js";
export {
  createApiKey,
  findApiKey,
  listApiKeys,
  type ListedApiKey,
  noteApiKeyUse,
  revokeApiKey,
} from "./identity/api-key-store.js";
export { takeTokens } from "./identity/rate-bucket.js";
export type { TakenTokens } from "./scripts/take-tokens.js";
