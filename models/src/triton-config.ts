import type { Datatype, ModelInput } from "@sluice/broker";

import type { LoadedModel } from "./load-models.js";
import type { ModelFile } from "./model-file.js";
import { invalidModel } from "./model-file.js";

/**
 * What runs ONNX models: `python` is a script of ours on Triton's Python backend (needs the onnxruntime package),
 * `onnxruntime` the backend of that name on NVIDIA's image. Models that are scripts run on the Python backend in both.
 */
export type TritonFlavour = "python" | "onnxruntime";

/** First line of every config.pbtxt of ours: tells our folders in a model repository from the user's. */
export const CONFIG_HEADER = "# Made from model.json; changes here are overwritten.";

/**
 * The text of a model's config.pbtxt (message ModelConfig of Triton's model_config.proto).
 * Without `dynamic_batching`: batches arrive formed, and Triton runs each as it is.
 * @throws BrokerError `config-invalid` if the flavour cannot run the model as it is defined.
 */
export function tritonConfig(model: LoadedModel, flavour: TritonFlavour): string {
  const { definition, file } = model;
  const fixedBatch = hasFixedBatch(file, flavour);
  if (fixedBatch && definition.maxBatchSize > 1) {
    const message = "must be 1: on onnxruntime a graph with a fixed batch dimension takes one row a call";
    throw invalidModel(`${model.folder}/model.json`, [{ pointer: "/maxBatchSize", message }]);
  }
  const withBatch = (tensor: Tensor): Tensor => (fixedBatch ? { ...tensor, dims: [1, ...tensor.dims] } : tensor);
  return [
    CONFIG_HEADER,
    `name: ${quote(definition.name)}`,
    `backend: ${quote(backendOf(file, flavour))}`,
    // 0 says that the shapes are whole: Triton takes a batch dimension only from graphs where it is free.
    `max_batch_size: ${fixedBatch ? 0 : definition.maxBatchSize}`,
    // Only this one: a folder of an earlier version may still lie beside it.
    `version_policy: { specific: { versions: [ ${Number(definition.version)} ] } }`,
    tensorList("input", [withBatch(inputTensor(definition.input, file))]),
    tensorList("output", outputTensors(model).map(withBatch)),
    `instance_group [{ kind: ${instanceKind(file, flavour)}, count: ${file.instances} }]`,
    ...parametersOf(file, flavour),
    "",
  ].join("\n");
}

interface Tensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly dims: readonly number[];
}

function hasFixedBatch(file: ModelFile, flavour: TritonFlavour): boolean {
  return flavour === "onnxruntime" && file.runtime.backend === "onnx" && file.runtime.batchDimension === "one";
}

function backendOf(file: ModelFile, flavour: TritonFlavour): string {
  return file.runtime.backend === "onnx" ? flavour : "python";
}

/** Our scripts compute on the CPU; on NVIDIA's image Triton puts a graph on the GPU if there is one. */
function instanceKind(file: ModelFile, flavour: TritonFlavour): string {
  return backendOf(file, flavour) === "onnxruntime" ? "KIND_AUTO" : "KIND_CPU";
}

function inputTensor(input: ModelInput, file: ModelFile): Tensor {
  const derived = (): Omit<Tensor, "name"> => {
    switch (input.kind) {
      case "text":
        return { datatype: "BYTES", dims: [1] };
      case "tensor":
        return { datatype: input.datatype, dims: input.dims };
      case "image":
        return {
          datatype: "FP32",
          dims: input.layout === "NCHW" ? [3, input.height, input.width] : [input.height, input.width, 3],
        };
    }
  };
  return { name: input.tensor, ...derived(), ...file.tensors[input.tensor] };
}

function outputTensors({ definition, file }: LoadedModel): Tensor[] {
  return definition.outputs.map((output) => {
    const derived = (): Omit<Tensor, "name"> => {
      switch (output.kind) {
        case "labels":
          return { datatype: "FP32", dims: [output.labels.length] };
        case "text":
          return { datatype: "BYTES", dims: [1] };
        case "tensor":
          return { datatype: output.datatype, dims: output.dims };
      }
    };
    return { name: output.tensor, ...derived(), ...file.tensors[output.tensor] };
  });
}

function tensorList(field: "input" | "output", tensors: readonly Tensor[]): string {
  const lines = tensors.map(
    ({ name, datatype, dims }) =>
      `  { name: ${quote(name)}, data_type: ${configDatatype(datatype)}, dims: [ ${dims.join(", ")} ] }`,
  );
  return `${field} [\n${lines.join(",\n")}\n]`;
}

/** model_config.proto calls the protocol's BYTES TYPE_STRING; all others keep their names. */
function configDatatype(datatype: Datatype): string {
  return datatype === "BYTES" ? "TYPE_STRING" : `TYPE_${datatype}`;
}

function parametersOf(file: ModelFile, flavour: TritonFlavour): string[] {
  return Object.entries(parametersFor(file.runtime, flavour)).map(
    ([key, value]) => `parameters { key: ${quote(key)} value { string_value: ${quote(value)} } }`,
  );
}

function parametersFor(runtime: ModelFile["runtime"], flavour: TritonFlavour): Readonly<Record<string, string>> {
  if (runtime.backend === "python") return runtime.parameters;
  // What onnx_model.py has to know of the graph that it runs.
  return flavour === "python" ? { batch_dimension: runtime.batchDimension } : {};
}

/** A string literal of protobuf's text format, which reads JSON's escapes too. */
function quote(text: string): string {
  return JSON.stringify(text);
}
