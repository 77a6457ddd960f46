import { type ModelDefinition, modelDefinitionSchema } from "@sluice/broker";

/** A model `m` that echoes texts, changed as asked. */
export function modelOf(changes: Partial<Record<keyof ModelDefinition, unknown>>): ModelDefinition {
  return modelDefinitionSchema.parse({
    name: "m",
    input: { kind: "text", tensor: "TEXT" },
    outputs: [{ kind: "text", name: "echo", tensor: "ECHO" }],
    ...changes,
  });
}
