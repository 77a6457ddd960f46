import type { FleetMember } from "../roles/start-fleet.js";

/** What a process says of itself. */
export interface Readiness {
  readonly isReady: boolean;
  /** The body of its answer; the error if there was none. */
  readonly says: string;
}

/** Asks `/healthz/ready`, past all links. */
export async function readReadiness({ url }: Pick<FleetMember, "url">): Promise<Readiness> {
  try {
    const answer = await fetch(`${url}/healthz/ready`, { signal: AbortSignal.timeout(1_000) });
    return { isReady: answer.ok, says: await answer.text() };
  } catch (error) {
    return { isReady: false, says: String(error) };
  }
}
