import type { BenchContext } from "../bench-context.js";
import type { LoadRun } from "../bench-result.js";
import { TEXT_BYTES } from "../bench-scale.js";
import { runLoads } from "../measure/run-loads.js";
import { startServerChild } from "../process/server-child.js";

/** What the load generator itself can do: nothing measured with it can be faster. */
export async function measureGenerator(context: BenchContext): Promise<LoadRun[]> {
  const server = await startServerChild(new URL("./constant-server.js", import.meta.url), {});
  try {
    const under = {
      name: "load generator alone",
      origin: server.origin,
      inputs: { kind: "text", model: "none", textBytes: TEXT_BYTES },
      processes: [{ name: "server", pid: server.pid }],
    } as const;
    const loads = context.scale.floorPaces.map((pace) => ({ exchange: "once", pace }) as const);
    return await runLoads(under, loads, context);
  } finally {
    await server.stop();
  }
}
