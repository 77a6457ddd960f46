import { freePorts, isPortFree } from "./free-port.js";

const ATTEMPTS = 3;

/**
 * Starts something on free ports. A port is free when it is looked for, and somebody else may take it before it is used:
 * if `start` fails and one of its ports is taken afterwards, it is tried again on others.
 * @throws what `start` threw last.
 */
export async function withFreePorts<T>(count: number, start: (ports: readonly number[]) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const ports = await freePorts(count);
    try {
      return await start(ports);
    } catch (error) {
      const free = await Promise.all(ports.map((port) => isPortFree(port)));
      if (attempt === ATTEMPTS || free.every(Boolean)) throw error;
    }
  }
}
