/**
 * Confirms writes in groups: however many wait for a confirmation, one is under way, and one more is made for all that
 * came meanwhile. A write that was answered before `confirm` is called is covered by the confirmation it waits for.
 * @param send makes one confirmation of everything written before it.
 */
export function createGroupConfirm(send: () => Promise<void>): () => Promise<void> {
  let underWay: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const begin = (): Promise<void> => {
    next = undefined;
    underWay = send().finally(() => (underWay = undefined));
    return underWay;
  };
  return () => {
    if (!underWay) return begin();
    return (next ??= underWay.then(begin, begin));
  };
}
