import type { SettingLogEntry } from "@sluice/broker";

/** `TIME  KEY: OLD -> NEW  (WHO)` */
export function formatLogEntry({ atMs, by, field, old, new: after }: SettingLogEntry): string {
  return formatChange(atMs, { field, old, after, by });
}

/** A change of a field, or that it was set or taken away. @param atMs since 1970. */
export function formatChange(
  atMs: number,
  change: {
    readonly field: string;
    readonly old: string | undefined;
    readonly after: string | undefined;
    readonly by: string;
  },
): string {
  const { field, old = "not set", after = "not set", by } = change;
  return `${formatTime(atMs)}  ${field}: ${old} -> ${after}  (${by})`;
}

/** To the second, UTC. @param atMs since 1970. */
export function formatTime(atMs: number): string {
  return new Date(atMs).toISOString().replace(/\.\d+Z$/, "Z");
}
