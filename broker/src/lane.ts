/** `now` is served first; `bulk` fills what is left. */
export type BatchClass = "now" | "bulk";

/** What may share a batch: model, version, zone and class. */
export interface Lane {
  readonly model: string;
  readonly version: string;
  readonly zone: string;
  readonly batchClass: BatchClass;
}

/** The zone of a deployment that has only one. */
export const DEFAULT_ZONE = "local";

/** The lane's name, part of the key of its ready streams: `MODEL:VERSION:ZONE:CLASS`. */
export function formatLane(lane: Lane): string {
  return `${lane.model}:${lane.version}:${lane.zone}:${lane.batchClass}`;
}

/** Reads a lane's name; undefined if it is none. */
export function parseLane(text: string): Lane | undefined {
  const [model, version, zone, batchClass, ...rest] = text.split(":");
  if (!model || !version || !zone || rest.length > 0) return undefined;
  if (batchClass !== "now" && batchClass !== "bulk") return undefined;
  return { model, version, zone, batchClass };
}
