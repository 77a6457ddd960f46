import { BrokerError } from "../errors.js";

/**
 * Calls once for each shard that the items touch, all shards at the same time, and puts the results back into the
 * order of the items. A shard that fails gives its error to its items only: the others go on.
 */
export async function scatterByShard<Item extends { readonly shard: number }, Result>(
  items: readonly Item[],
  call: (shard: number, items: readonly Item[]) => Promise<readonly Result[]>,
): Promise<(Result | BrokerError)[]> {
  const groups = new Map<number, number[]>();
  items.forEach((item, index) => {
    const group = groups.get(item.shard);
    if (group) group.push(index);
    else groups.set(item.shard, [index]);
  });
  const results = new Array<Result | BrokerError>(items.length);
  const callShard = async (shard: number, indexes: readonly number[]): Promise<void> => {
    try {
      const replies = await call(
        shard,
        indexes.map((index) => items[index] as Item),
      );
      indexes.forEach((index, i) => (results[index] = replies[i] as Result));
    } catch (error) {
      const failure = BrokerError.from(error, "storage-unavailable", `shard ${shard} did not answer`);
      for (const index of indexes) results[index] = failure;
    }
  };
  await Promise.all([...groups].map(([shard, indexes]) => callShard(shard, indexes)));
  return results;
}
