import { createCodec } from "./codec.js";
import { message } from "./message.js";
import { bool, string } from "./scalar-fields.js";

/** A message without fields. */
export type EmptyMessage = Record<string, never>;

/** Names one version of a model; without a version the server picks one. */
export interface ModelVersionRequest {
  name: string;
  version?: string;
}

const empty = message<EmptyMessage>({});
const ready = message<{ ready: boolean }>({ ready: bool(1) });

/** ModelReadyRequest, and every other request that names a model and a version in the same fields. */
export const modelVersionRequest = message<ModelVersionRequest>({ name: string(1), version: string(2) });

/** ServerLiveRequest. */
export const serverLiveRequestCodec = createCodec("ServerLiveRequest", empty);
/** ServerLiveResponse. */
export const serverLiveResponseCodec = createCodec("ServerLiveResponse", message<{ live: boolean }>({ live: bool(1) }));
/** ServerReadyRequest. */
export const serverReadyRequestCodec = createCodec("ServerReadyRequest", empty);
/** ServerReadyResponse. */
export const serverReadyResponseCodec = createCodec("ServerReadyResponse", ready);
/** ModelReadyRequest. */
export const modelReadyRequestCodec = createCodec("ModelReadyRequest", modelVersionRequest);
/** ModelReadyResponse. */
export const modelReadyResponseCodec = createCodec("ModelReadyResponse", ready);
