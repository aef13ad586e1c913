/** Layers of Keras that have a kernel: dense ones, convolutions, embeddings. */

import {
  activated,
  flagOf,
  type LayerCall,
  type LayerKind,
  layoutOf,
  op,
  sizesOf,
  variableOf,
  wholeOf,
} from "./layer-call.ts";

const KERNEL = ["kernel", "bias"];
const hasBias = (call: LayerCall): boolean => flagOf(call, "use_bias", true);

const dense: LayerKind = (call) => {
  const product = op(call, "MatMul", [call.inputs[0]!, variableOf(call, KERNEL, "kernel")]);
  return [activated(call, hasBias(call) ? op(call, "Add", [product, variableOf(call, KERNEL, "bias")]) : product)];
};

/** Strides, padding and dilation; undefined where they are not known. */
function windowOf(
  call: LayerCall,
  axes: number,
  kernel: readonly number[] | undefined,
): Record<string, string | readonly number[] | undefined> | undefined {
  const strides = sizesOf(call, "strides", axes) ?? new Array<number>(axes).fill(1);
  const dilations = sizesOf(call, "dilation_rate", axes) ?? new Array<number>(axes).fill(1);
  const { padding = "valid" } = call.config;
  if (padding === "valid" || padding === "same")
    return { strides, dilations, auto_pad: padding === "same" ? "SAME_UPPER" : "VALID", ...layoutOf(call) } as Record<
      string,
      string | number[]
    >;
  const side = kernel?.[0];
  if (padding !== "causal" || axes !== 1 || side === undefined) return undefined;
  return { strides, dilations, pads: [(side - 1) * dilations[0]!, 0], ...layoutOf(call) } as Record<
    string,
    string | number[]
  >;
}

const conv =
  (axes: number): LayerKind =>
  (call) => {
    const kernel = sizesOf(call, "kernel_size", axes);
    const window = windowOf(call, axes, kernel);
    if (window === undefined) return undefined;
    const bias = hasBias(call) ? [variableOf(call, KERNEL, "bias")] : [];
    const inputs = [call.inputs[0]!, variableOf(call, KERNEL, "kernel"), ...bias];
    return [
      activated(call, op(call, "Conv", inputs, { ...window, filter: "hwio", group: wholeOf(call, "groups") ?? 1 })),
    ];
  };

const convTranspose =
  (axes: number): LayerKind =>
  (call) => {
    const window = windowOf(call, axes, undefined);
    if (window === undefined || call.config.output_padding) return undefined;
    const bias = hasBias(call) ? [variableOf(call, KERNEL, "bias")] : [];
    const inputs = [call.inputs[0]!, variableOf(call, KERNEL, "kernel"), ...bias];
    // Without padding TensorFlow's result is as long as the strides and the kernel need: ONNX' without pads.
    return [activated(call, op(call, "ConvTranspose", inputs, { ...window, filter: "hwio" }))];
  };

/** Keras 2 calls the kernel by its layer. */
const depthwise =
  (axes: number): LayerKind =>
  (call) => {
    const window = windowOf(call, axes, undefined);
    if (window === undefined) return undefined;
    const own = call.find(KERNEL)("depthwise_kernel") === undefined ? KERNEL : ["depthwise_kernel", "bias"];
    const bias = hasBias(call) ? [variableOf(call, own, "bias")] : [];
    const inputs = [call.inputs[0]!, variableOf(call, own, own[0]!), ...bias];
    return [activated(call, op(call, "Conv", inputs, { ...window, filter: "hwim" }))];
  };

const SEPARABLE = ["depthwise_kernel", "pointwise_kernel", "bias"];

const separable =
  (axes: number): LayerKind =>
  (call) => {
    const kernel = sizesOf(call, "kernel_size", axes);
    const window = windowOf(call, axes, kernel);
    if (window === undefined) return undefined;
    const middle = op(call, "Conv", [call.inputs[0]!, variableOf(call, SEPARABLE, "depthwise_kernel")], {
      ...window,
      filter: "hwim",
    });
    const bias = hasBias(call) ? [variableOf(call, SEPARABLE, "bias")] : [];
    const inputs = [middle, variableOf(call, SEPARABLE, "pointwise_kernel"), ...bias];
    return [activated(call, op(call, "Conv", inputs, { ...layoutOf(call), filter: "hwio" }))];
  };

const embedding: LayerKind = (call) => {
  const { builder, inputs } = call;
  const rank = builder.rank(inputs[0]);
  const table = variableOf(call, ["embeddings"], "embeddings");
  return [op(call, "Gather", [table, inputs[0]!], { axis: 0 }, rank === undefined ? undefined : rank + 1)];
};

const einsumDense: LayerKind = (call) => {
  const { equation } = call.config;
  if (typeof equation !== "string") return undefined;
  const product = op(call, "Einsum", [call.inputs[0]!, variableOf(call, KERNEL, "kernel")], { equation });
  const { bias_axes: bias } = call.config;
  return [
    activated(call, typeof bias === "string" ? op(call, "Add", [product, variableOf(call, KERNEL, "bias")]) : product),
  ];
};

/** PReLU: a slope for each element but the batch's, or for some axes. */
const prelu: LayerKind = (call) => [op(call, "PRelu", [call.inputs[0]!, variableOf(call, ["alpha"], "alpha")])];

const NORM = ["gamma", "beta"];

/** The norm's scale and shift; 1 and 0 where it has none. */
function affine(call: LayerCall, numbers: readonly string[]): [string, string] {
  const { builder } = call;
  const has = (variable: string): boolean => numbers.includes(variable);
  return [
    has("gamma") ? variableOf(call, numbers, "gamma") : builder.constant(1, "float"),
    has("beta") ? variableOf(call, numbers, "beta") : builder.constant(0, "float"),
  ];
}

const ownNorm = (call: LayerCall): string[] =>
  NORM.filter((variable) => flagOf(call, variable === "gamma" ? "scale" : "center", true));

const batchNorm: LayerKind = (call) => {
  const axis = wholeOf(call, "axis") ?? -1;
  const rank = call.builder.rank(call.inputs[0]);
  const isLast = axis === -1 || (rank === undefined ? axis > 1 : axis === rank - 1);
  if (!isLast && axis !== 1) return undefined;
  const numbers = [...ownNorm(call), "moving_mean", "moving_variance"];
  const statistics = ["moving_mean", "moving_variance"].map((variable) => variableOf(call, numbers, variable));
  const epsilon = typeof call.config.epsilon === "number" ? call.config.epsilon : 1e-3;
  const inputs = [call.inputs[0]!, ...affine(call, numbers), ...statistics];
  return [op(call, "BatchNormalization", inputs, { epsilon, layout: isLast ? "nhwc" : "nchw" })];
};

const layerNorm: LayerKind = (call) => {
  if (call.config.rms_scaling === true) return undefined;
  const axis = wholeOf(call, "axis") ?? -1;
  const rank = call.builder.rank(call.inputs[0]);
  if (axis !== -1 && axis !== (rank ?? 0) - 1) return undefined;
  const epsilon = typeof call.config.epsilon === "number" ? call.config.epsilon : 1e-3;
  return [op(call, "LayerNormalization", [call.inputs[0]!, ...affine(call, ownNorm(call))], { axis: -1, epsilon })];
};

const groupNorm: LayerKind = (call) => {
  const [axis, groups] = [wholeOf(call, "axis") ?? -1, wholeOf(call, "groups")];
  const rank = call.builder.rank(call.inputs[0]);
  const isLast = axis === -1 || axis === (rank ?? 0) - 1;
  if ((!isLast && axis !== 1) || groups === undefined || groups < 1) return undefined;
  const epsilon = typeof call.config.epsilon === "number" ? call.config.epsilon : 1e-3;
  const attributes = { num_groups: groups, epsilon, layout: isLast ? "nhwc" : "nchw" };
  return [op(call, "GroupNormalization", [call.inputs[0]!, ...affine(call, ownNorm(call))], attributes)];
};

/** (x − mean) / √variance, of data. */
const normalization: LayerKind = (call) => {
  const numbers = ["mean", "variance", "count"];
  if (call.find(numbers)("mean") === undefined || call.config.invert === true) return undefined;
  const centred = op(call, "Sub", [call.inputs[0]!, variableOf(call, numbers, "mean")]);
  return [
    op(
      call,
      "Div",
      [centred, op(call, "Sqrt", [variableOf(call, numbers, "variance")])],
      {},
      call.builder.rank(centred),
    ),
  ];
};

const axesOf = (name: string, kind: (axes: number) => LayerKind): [string, LayerKind][] =>
  [1, 2, 3].map((axes) => [name.replace("#", String(axes)), kind(axes)]);

/** By class. */
export const WEIGHTED: readonly [string, LayerKind][] = [
  ["Dense", dense],
  ...axesOf("Conv#D", conv),
  ...axesOf("Convolution#D", conv),
  ...axesOf("Conv#DTranspose", convTranspose),
  ...axesOf("DepthwiseConv#D", depthwise),
  ...axesOf("SeparableConv#D", separable),
  ["Embedding", embedding],
  ["EinsumDense", einsumDense],
  ["PReLU", prelu],
  ["BatchNormalization", batchNorm],
  ["LayerNormalization", layerNorm],
  ["GroupNormalization", groupNorm],
  ["Normalization", normalization],
];
