export { addLightModels, type LightModel, type LightModelName } from "./add-light-models.js";
export { type LoadedModel, loadModels } from "./load-models.js";
export { type ModelFile, modelFileSchema, type ModelProblem, parseModelFile } from "./model-file.js";
export { tritonConfig, type TritonFlavour } from "./triton-config.js";
export { writeTritonRepository } from "./write-triton-repository.js";
