/** Something that ends. */
export interface Stoppable {
  stop(graceMs?: number): Promise<void>;
}

/** Things that may end at the same time, and how long each may take before it is killed. */
export interface StopGroup {
  readonly members: readonly Stoppable[];
  readonly graceMs: number;
}

/**
 * Stops the groups one after the other: nothing of a group is told to stop before everything of the groups before it is
 * gone. All are stopped even if some fail.
 * @throws AggregateError of what failed.
 */
export async function stopInOrder(groups: readonly StopGroup[]): Promise<void> {
  const failures: unknown[] = [];
  for (const { members, graceMs } of groups) {
    const results = await Promise.allSettled(members.map((member) => member.stop(graceMs)));
    for (const result of results) if (result.status === "rejected") failures.push(result.reason);
  }
  if (failures.length > 0) throw new AggregateError(failures, "Not everything could be stopped.");
}
