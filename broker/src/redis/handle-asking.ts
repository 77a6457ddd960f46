import type { Redis } from "ioredis";

/**
 * While a slot moves, ioredis sends ASKING by itself and drops the promise of its reply: when that fails, as any
 * command may, the rejection has no handler and would end the process. The command that follows tells the failure.
 */
export function handleAsking(node: Redis): void {
  const asking: () => Promise<"OK"> = node.asking.bind(node);
  node.asking = (): Promise<"OK"> => {
    const asked = asking();
    asked.catch(() => undefined);
    return asked;
  };
}
