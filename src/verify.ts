/**
 * Entry `rebasin/verify`: specs proved by running the network they are for. What runs it are optional peers, loaded
 * when something runs. `onnxRunner` needs `onnxruntime-web`, the others TensorFlow.js; `savedRunner` needs its loaders,
 * too: `@tensorflow/tfjs-converter` for graph models, `@tensorflow/tfjs-layers` for models of layers and of Keras.
 * `onnxExecutor` runs ONNX networks for everything that takes an `executor`.
 *
 * @example
 * import { detectSpec, openModel } from "rebasin/node";
 * import { familyRunner, verifySpec } from "rebasin/verify";
 *
 * const model = await openModel("a.safetensors");
 * const runner = await familyRunner(model);
 * const { kept, groups } = await verifySpec(model, await detectSpec(model), runner);
 * console.log(kept, groups.map(({ name, deviation }) => `${name} ${deviation}`));
 * runner.dispose();
 *
 * @module
 */

export { type GraphSpec, graphSpec } from "./link/from-graph.ts";
export type { TensorLink } from "./link/link-tensors.ts";
export type { Executor, ExecutorOptions, Network, Value } from "./run/executor.ts";
export { type OnnxExecutorOptions, onnxExecutor } from "./run/onnx/executor.ts";
export type { GivenInput } from "./run/onnx/random-inputs.ts";
export type { OnnxRuntime, OnnxRuntimeSession, OnnxRuntimeTensor } from "./run/onnx/runtime.ts";
export type {
  ActivationLayer,
  GraphModelLike,
  InputLike,
  LayerLike,
  LayersModelLike,
  TfConverter,
  TfLayers,
} from "./run/saved/loaders.ts";
export { type FamilyRunner, type FamilyRunnerOptions, familyRunner } from "./verify/family-runner.ts";
export { linkedRunner } from "./verify/linked-runner.ts";
export { type OnnxRunnerOptions, onnxRunner } from "./verify/onnx-runner.ts";
export type { NetworkOutputs } from "./verify/outputs.ts";
export { type SavedRunnerOptions, savedRunner } from "./verify/saved-runner.ts";
export { requireSameFunction } from "./verify/verify-alignment.ts";
export {
  type AxisFault,
  type GroupCheck,
  type SpecRunner,
  type Verification,
  type VerifyOptions,
  verifySpec,
} from "./verify/verify-spec.ts";
