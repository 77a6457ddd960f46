import type { Ask } from "../api-fixture.js";

/**
 * A request that must be refused: what it is, how it is sent (to `/v1/inference`, or the path that it names), and the
 * answer as "STATUS CODE", followed by where the problem must point ("(whole)" is the whole body).
 */
export type BadInput = readonly [what: string, ask: Ask & { readonly path?: string }, answer: string];

export const JSON_TYPE = { "content-type": "application/json" };
export const text = (raw: string | Buffer, headers: Record<string, string> = JSON_TYPE): Ask => ({
  method: "POST",
  raw,
  headers,
});
export const body = (json: unknown): Ask => ({ method: "POST", json });
