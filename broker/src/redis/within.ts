/**
 * Waits for `work`, but no longer than `timeoutMs`: a server that says nothing may leave it pending for ever. What it
 * comes to later is ignored.
 * @throws Error if it is not done in time, or what `work` throws.
 */
export async function within<Result>(work: Promise<Result>, timeoutMs: number): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const overdue = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${Math.round(timeoutMs)} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([work, overdue]);
  } finally {
    clearTimeout(timer);
  }
}
