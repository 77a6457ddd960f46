import { freePort, isPortFree } from "../free-port.js";
import type { StackPorts } from "../stack/stack-options.js";

/** How many ports after the wanted one are tried before any free one is taken. */
const NEIGHBOURS = 20;

/**
 * A free port for each part: the wanted one, else the next free one after it.
 * @param onTaken told of each port that somebody else has, and which one is used instead.
 */
export async function choosePorts(
  wanted: StackPorts,
  onTaken: (part: string, taken: number, used: number) => void,
  isFree: (port: number) => Promise<boolean> = isPortFree,
): Promise<StackPorts> {
  const chosen = new Map<string, number>();
  for (const [part, port] of Object.entries(wanted)) {
    const used = await firstFree(port, async (candidate) => {
      return ![...chosen.values()].includes(candidate) && (await isFree(candidate));
    });
    if (used !== port) onTaken(part, port, used);
    chosen.set(part, used);
  }
  return { ...wanted, ...Object.fromEntries(chosen) };
}

async function firstFree(wanted: number, isFree: (port: number) => Promise<boolean>): Promise<number> {
  for (let port = wanted; port <= Math.min(wanted + NEIGHBOURS, 65_535); port++) if (await isFree(port)) return port;
  return freePort();
}
