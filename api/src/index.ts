export { type Api, type ApiDeps, type ApiOptions, createApi } from "./server.js";
export { type ApiConfig, parseConfig } from "./config.js";
export { type Identify, identifyNobody } from "./identity/identify.js";
