import { createCodec } from "./codec.js";
import { message, repeated } from "./message.js";
import { bool, string } from "./scalar-fields.js";

/** Which models to list: all by default. */
export interface RepositoryIndexRequest {
  repositoryName?: string;
  /** Only those that are ready. */
  ready?: boolean;
}

/** One version of a model in the server's repositories. */
export interface ModelIndex {
  name: string;
  version: string;
  /** READY, UNAVAILABLE, LOADING...; empty if it was never loaded. */
  state: string;
  /** Why it is not ready. */
  reason: string;
}

const modelIndex = message<ModelIndex>({ name: string(1), version: string(2), state: string(3), reason: string(4) });

/** RepositoryIndexRequest. */
export const repositoryIndexRequestCodec = createCodec(
  "RepositoryIndexRequest",
  message<RepositoryIndexRequest>({ repositoryName: string(1), ready: bool(2) }),
);
/** RepositoryIndexResponse. */
export const repositoryIndexResponseCodec = createCodec(
  "RepositoryIndexResponse",
  message<{ models: ModelIndex[] }>({ models: repeated(1, modelIndex) }),
);
