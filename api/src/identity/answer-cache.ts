import type { Clock } from "@sluice/broker";

/** What was found out lately; of equal questions at the same time one is asked. */
export type AnswerCache<Value> = (key: string, ask: () => Promise<Value>) => Promise<Value>;

/**
 * Keeps answers for a moment.
 * @param ttlMs of each answer.
 * @param maxEntries the oldest go above it: strangers can ask for anything.
 */
export function createAnswerCache<Value>(
  clock: Pick<Clock, "monotonicMs">,
  { ttlMs, maxEntries }: { readonly ttlMs: number; readonly maxEntries: number },
): AnswerCache<Value> {
  const entries = new Map<string, { readonly answer: Promise<Value>; readonly untilMs: number }>();
  return (key, ask) => {
    const nowMs = clock.monotonicMs();
    const known = entries.get(key);
    if (known && nowMs < known.untilMs) return known.answer;
    const answer = ask();
    entries.delete(key);
    entries.set(key, { answer, untilMs: nowMs + ttlMs });
    // A question that failed is asked again.
    answer.catch(() => {
      if (entries.get(key)?.answer === answer) entries.delete(key);
    });
    if (entries.size > maxEntries) entries.delete(entries.keys().next().value ?? "");
    return answer;
  };
}
