import type { SupervisorEvent } from "../process/supervisor.js";
import type { Stack } from "../stack/start-stack.js";

/** What somebody who has just started Sluice needs to know. */
export function statusScreen(stack: Stack, logFolder: string, seconds: number): string {
  const { httpUrl, metricsUrl, grpcUrl } = stack.triton;
  const triton = httpUrl === undefined ? grpcUrl : `${grpcUrl} (gRPC)  ${httpUrl}  ${metricsUrl ?? ""}`;
  const metrics = (role: "batcher" | "gpu-worker"): string => `${stack.roles[role][0]?.url ?? ""}/metrics`;
  return `
Sluice is ready (${seconds.toFixed(1)} s).

  api         ${stack.apiUrl}  (models: ${stack.apiUrl}/models)
  batcher     ${metrics("batcher")}
  gpu-worker  ${metrics("gpu-worker")}
  redis       ${withoutPassword(stack.redis.url)}
  triton      ${triton}

${examples(stack).join("\n\n")}

Logs: ${logFolder}/NAME.log   Stop: Ctrl-C
`;
}

/** Lines to paste, for the kinds of input that some model takes unasked. */
function examples({ apiUrl, models }: Stack): string[] {
  const curl = `curl -s ${apiUrl}/v1/inference -H 'Prefer: wait=10'`;
  const text = "Le renard brun saute par-dessus le chien paresseux";
  const lines = {
    text: `A text:\n  ${curl} -H 'Content-Type: application/json' -d '{"input":"${text}"}'`,
    image: `A picture:\n  ${curl} -H 'Content-Type: image/jpeg' --data-binary @models/shapes/example.jpg`,
  };
  const kinds = new Set(models.map(({ definition }) => definition.defaultFor));
  return Object.entries(lines).flatMap(([kind, line]) => (kinds.has(kind as keyof typeof lines) ? [line] : []));
}

/** One line about a process that died or came back. */
export function eventLine(name: string, event: SupervisorEvent, logFolder: string): string {
  switch (event.kind) {
    case "died": {
      const how = event.exit.signal ?? `code ${event.exit.code ?? "?"}`;
      return `${name} died (${how}); starting it again in ${event.delayMs / 1000} s. Its log: ${logFolder}/${name}.log`;
    }
    case "not-restarted":
      return `${event.error.message}\n${name} did not come up; trying again in ${event.delayMs / 1000} s.`;
    case "restarted":
      return `${name} runs again (process ${event.pid}).`;
  }
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^@/]*@/, "//***@");
}
