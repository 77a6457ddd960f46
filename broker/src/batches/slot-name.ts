import { createHash } from "node:crypto";

/** What makes the name of a worker slot. */
export interface SlotPlace {
  readonly hostname: string;
  readonly pid: number;
  /** Different at every boot. */
  readonly random: string;
  /** In its process, never given twice. */
  readonly number: number;
  /** The Triton behind it, `host:port` or another target that gRPC knows. */
  readonly endpoint: string;
}

const ENDPOINT_TAG_LENGTH = 8;
/** Addresses that mean another Triton on each host. */
const ON_THIS_HOST = /^(?:(?:ipv[46]:)?(?:127\.|\[?::1\]?|localhost)|unix:)/;

/**
 * The name of a slot: `HOST-PID-RANDOM#NUMBER@ENDPOINT`. New at every boot, so that what is pending for a name is either
 * its own or lost; without spaces, for a run's holder is stored as slot, space, batch. The endpoint is a hash, so that
 * batchers can tell how many Tritons the slots of a pool stand for without being told their addresses.
 */
export function formatSlotName({ hostname, pid, random, number, endpoint }: SlotPlace): string {
  const host = hostname.replace(/[^A-Za-z0-9_.-]/g, "_");
  const place = ON_THIS_HOST.test(endpoint) ? `${hostname} ${endpoint}` : endpoint;
  const tag = createHash("sha256").update(place).digest("base64url").slice(0, ENDPOINT_TAG_LENGTH);
  return `${host}-${pid}-${random}#${number}@${tag}`;
}

/** How many Tritons these slots stand for. Names that do not tell count as one together. */
export function countEndpoints(slots: Iterable<string>): number {
  const tags = new Set<string>();
  for (const slot of slots) tags.add(slot.slice(slot.lastIndexOf("@") + 1 || slot.length));
  return tags.size;
}
