import { expect, test } from "vitest";
import { createSemaphore } from "../../src/preprocess/semaphore.js";

test("no more than the limit run at a time, the rest in order, also when tasks fail", async () => {
  const whenFree = createSemaphore(2);
  const started: number[] = [];
  const finish: ((error?: Error) => void)[] = [];
  const results = [0, 1, 2, 3, 4].map((index) =>
    whenFree(
      () =>
        new Promise<number>((resolve, reject) => {
          started.push(index);
          finish[index] = (error) => {
            if (error) reject(error);
            else resolve(index);
          };
        }),
    ),
  );
  const settled = Promise.allSettled(results);
  expect(started).toEqual([0, 1]);
  finish[1]?.(new Error("broken"));
  await expect(results[1]).rejects.toThrow("broken");
  expect(started).toEqual([0, 1, 2]);
  finish[0]?.();
  finish[2]?.();
  await results[2];
  expect(started).toEqual([0, 1, 2, 3, 4]);
  finish[3]?.();
  finish[4]?.();
  expect((await settled).map(({ status }) => status)).toEqual([
    "fulfilled",
    "rejected",
    "fulfilled",
    "fulfilled",
    "fulfilled",
  ]);
});
