export { type Clock, systemClock } from "./clock.js";
export { BrokerError, ERROR_CODES, type ErrorCode } from "./errors.js";
export {
  type Datatype,
  type ModelDefinition,
  type ModelInput,
  type ModelOutput,
  modelDefinitionSchema,
} from "./models/model-definition.js";
export type { Service } from "./service.js";
