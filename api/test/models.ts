import { type ModelDefinition, modelDefinitionSchema } from "@sluice/broker";

/** Models that the tests ask; nobody runs them, tests settle their runs themselves. */
export const MODELS: readonly ModelDefinition[] = [
  {
    name: "echo",
    defaultFor: "text",
    input: { kind: "text", tensor: "TEXT", maxBytes: 200_000 },
    outputs: [{ kind: "text", name: "echo", tensor: "ECHO" }],
  },
  {
    name: "tongues",
    input: { kind: "text", tensor: "TEXT" },
    outputs: [
      { kind: "labels", name: "tongue", tensor: "S", mode: "multi-class", labels: ["fr", "de", "it"], topK: 2 },
      { kind: "labels", name: "marks", tensor: "M", mode: "multi-label", labels: ["a", "b"], threshold: 0.5 },
    ],
  },
  {
    name: "numbers",
    defaultFor: "tensor",
    input: { kind: "tensor", tensor: "I", datatype: "FP32", dims: [-1] },
    outputs: [{ kind: "tensor", name: "out", tensor: "O", datatype: "FP32", dims: [-1] }],
  },
  {
    name: "grid",
    input: { kind: "tensor", tensor: "I", datatype: "INT64", dims: [2, -1] },
    outputs: [{ kind: "tensor", name: "out", tensor: "O", datatype: "INT64", dims: [2, -1] }],
  },
  {
    name: "words",
    input: { kind: "tensor", tensor: "I", datatype: "BYTES", dims: [-1] },
    outputs: [{ kind: "text", name: "out", tensor: "O" }],
  },
  {
    name: "shapes",
    defaultFor: "image",
    input: { kind: "image", tensor: "I", width: 8, height: 8 },
    outputs: [{ kind: "labels", name: "shape", tensor: "S", mode: "multi-class", labels: ["disc", "star"] }],
  },
  {
    name: "scenes",
    input: { kind: "image", tensor: "I", width: 8, height: 8 },
    outputs: [
      { kind: "labels", name: "main", tensor: "MAIN", mode: "multi-class", labels: ["disc", "star", "ring"] },
      {
        kind: "labels",
        name: "seen",
        tensor: "SEEN",
        mode: "multi-label",
        labels: ["red", "blue"],
        threshold: 0.5,
        boxes: "BOX",
      },
      { kind: "tensor", name: "boxes", tensor: "BOX", datatype: "FP32", dims: [2, 4] },
    ],
  },
  {
    name: "lonely",
    pool: "deserted",
    input: { kind: "text", tensor: "TEXT" },
    outputs: [{ kind: "text", name: "echo", tensor: "ECHO" }],
  },
].map((model) => modelDefinitionSchema.parse(model));
