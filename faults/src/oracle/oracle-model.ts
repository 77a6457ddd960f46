import { type ModelDefinition, modelDefinitionSchema } from "@sluice/broker";

/** The model that the oracle serves: a text in, a text out. */
export const ORACLE_MODEL: ModelDefinition = modelDefinitionSchema.parse({
  name: "oracle",
  description: "Answers a hash of each text, and remembers which texts it was asked.",
  defaultFor: "text",
  input: { kind: "text", tensor: "TEXT" },
  outputs: [{ kind: "text", name: "answer", tensor: "ANSWER" }],
  example: { text: "known good" },
});
