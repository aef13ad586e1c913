/** Which layers of Keras `@tensorflow/tfjs-layers` has, and what it reads of their configuration. */

import { describe } from "../../base/describe.ts";
import type { KerasLayer, KerasModel } from "../../formats/keras/graph/read-config.ts";

/** What messages name of a layer. */
export type NamedLayer = Pick<KerasLayer, "name" | "kind">;

/** A model's layers, and those of models in it. */
export function allLayers(model: KerasModel | undefined): KerasLayer[] {
  return (model?.layers ?? []).flatMap((layer) => [layer, ...allLayers(layer.inside)]);
}

/** A fault of a layer. */
export const layerFault = (file: string, { name, kind }: NamedLayer, what: string): RangeError =>
  new RangeError(`${file} layer ${describe(name)} (${kind}) ${what} for running it in TensorFlow.js`);

/** The fault of a layer that it lacks. */
export const noLayer = (file: string, layer: NamedLayer): RangeError =>
  layerFault(file, layer, "is of no class that @tensorflow/tfjs-layers has, expected one");

const CONV = "filters kernel_size strides padding data_format dilation_rate activation use_bias";
const TRANSPOSED = "filters kernel_size strides padding data_format activation use_bias";
const POOL = "pool_size strides padding data_format";
const CELL =
  "units activation recurrent_activation use_bias dropout recurrent_dropout return_sequences go_backwards unroll unit_forget_bias";

/** By class: the keys that it reads. */
const KEYS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    InputLayer: "",
    Dense: "units activation use_bias",
    Activation: "activation",
    Dropout: "rate noise_shape",
    SpatialDropout1D: "rate noise_shape",
    GaussianNoise: "stddev",
    GaussianDropout: "rate",
    AlphaDropout: "rate noise_shape",
    Flatten: "data_format",
    Reshape: "target_shape",
    Permute: "dims",
    RepeatVector: "n",
    Masking: "mask_value",
    Embedding: "input_dim output_dim mask_zero input_length",
    Conv1D: CONV,
    Conv2D: CONV,
    Conv3D: CONV,
    Conv2DTranspose: TRANSPOSED,
    Conv3DTranspose: TRANSPOSED,
    SeparableConv2D: `${CONV} depth_multiplier`,
    DepthwiseConv2D: `${CONV} depth_multiplier`,
    BatchNormalization: "axis epsilon center scale",
    LayerNormalization: "axis epsilon center scale",
    MaxPooling1D: POOL,
    MaxPooling2D: POOL,
    MaxPooling3D: POOL,
    AveragePooling1D: POOL,
    AveragePooling2D: POOL,
    AveragePooling3D: POOL,
    GlobalMaxPooling1D: "",
    GlobalAveragePooling1D: "",
    GlobalMaxPooling2D: "data_format",
    GlobalAveragePooling2D: "data_format",
    UpSampling2D: "size data_format interpolation",
    ZeroPadding2D: "padding data_format",
    Cropping2D: "cropping data_format",
    SimpleRNN: CELL,
    LSTM: CELL,
    GRU: CELL,
    Bidirectional: "layer merge_mode",
    TimeDistributed: "layer",
    Add: "",
    Multiply: "",
    Average: "",
    Maximum: "",
    Minimum: "",
    Concatenate: "axis",
    Dot: "axes normalize",
    ReLU: "max_value",
    LeakyReLU: "alpha",
    PReLU: "shared_axes",
    ELU: "alpha",
    ThresholdedReLU: "theta",
    Softmax: "axis",
    Rescaling: "scale offset",
  }),
);

/** Of any class: keys that change nothing that the layer computes but while it is trained. */
const QUIET = new Set(
  "trainable seed autocast optional sparse ragged activity_regularizer implementation stateful momentum renorm_momentum fused virtual_batch_size synchronized lora_rank lora_alpha quantization_config".split(
    " ",
  ),
);

/** Values of other keys that change nothing. */
const NEUTRAL: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ["groups", 1],
  ["keepdims", false],
  ["negative_slope", 0],
  ["threshold", 0],
  ["rms_scaling", false],
  ["renorm", false],
  ["time_major", false],
  ["zero_output_for_mask", false],
  ["return_state", false],
  ["reset_after", false],
  ["dilation_rate", 1],
  ["data_format", "channels_last"],
]);

/** Activations by their names there. */
const ACTIVATIONS: ReadonlyMap<string, string> = new Map([
  ...["elu", "selu", "relu", "relu6", "linear", "sigmoid", "hard_sigmoid", "softplus", "softsign", "tanh"].map(same),
  ...["softmax", "log_softmax", "gelu", "mish", "swish"].map(same),
  ["silu", "swish"],
]);

function same(name: string): [string, string] {
  return [name, name];
}

/** Whether there is a layer of a class. */
export const hasLayer = (kind: string): boolean => KEYS.has(kind);

/** How a key of a layer's configuration is taken. */
export function useOf(kind: string, key: string, value: unknown): "read" | "left out" | "unknown" {
  if (KEYS.get(kind)?.split(" ").includes(key)) return "read";
  if (QUIET.has(key) || value === null || value === undefined) return "left out";
  const all = Array.isArray(value) ? value : [value];
  return NEUTRAL.has(key) && all.every((each) => each === NEUTRAL.get(key)) ? "left out" : "unknown";
}

/** The name that it has for an activation of Keras; undefined where it has none. Keras 3 has another hard sigmoid. */
export const activationThere = (name: string, isKeras3: boolean): string | undefined =>
  isKeras3 && name === "hard_sigmoid" ? undefined : ACTIVATIONS.get(name);
