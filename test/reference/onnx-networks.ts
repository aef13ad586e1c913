/** Small whole networks as ONNX files, with random weights: of every kind that inference and `verify` are tested with. */

import { createRng } from "../../src/base/rng.ts";
import {
  attribute,
  floatField,
  graph,
  node,
  onnxOf,
  opsetId,
  part,
  raw,
  tensor,
  valueInfo,
  whole,
  wholes,
} from "./onnx-builder.ts";
import { gaussianArray } from "./random.ts";
import { concat } from "./safetensors-builder.ts";

type AttributeContent = number | string | readonly number[];

/** Builds a graph operator by operator. Values have the names of their operators: `relu_3`. */
export interface OnnxNetwork {
  /** A tensor of weights with standard deviation `scale`, around `centre`. Gives its name. */
  weight(name: string, shape: readonly number[], scale?: number, centre?: number): string;
  /** A tensor of whole numbers. Gives its name. */
  ints(name: string, ...values: readonly number[]): string;
  /** An operator with one output, and those named in `more`; whole numbers are integer attributes unless in `FLOATS`. Gives the output. */
  add(
    kind: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, AttributeContent>>,
    more?: readonly string[],
  ): string;
  /** The file. */
  bytes(
    inputs: Readonly<Record<string, readonly (number | string)[]>>,
    outputs: readonly string[],
  ): Uint8Array<ArrayBuffer>;
}

const FLOATS = new Set(["epsilon", "alpha"]);
/** Before the operators of onnxruntime. */
const ORT = "com.microsoft.";

export function onnxNetwork(seed = 1, opset = 17): OnnxNetwork {
  const rng = createRng(seed);
  const nodes: Uint8Array[] = [];
  const tensors: Uint8Array[] = [];
  const size = (shape: readonly number[]): number => shape.reduce((product, each) => product * each, 1);
  return {
    weight(name, shape, scale, centre = 0) {
      const spread = scale ?? Math.sqrt(2 / (size(shape.slice(1)) || 1));
      const values = gaussianArray(size(shape), rng, spread).map((value) => value + centre);
      tensors.push(tensor(name, 1, shape, raw(new Uint8Array(values.buffer))));
      return name;
    },
    ints(name, ...values) {
      tensors.push(tensor(name, 7, [values.length], wholes(7, values)));
      return name;
    },
    add(kind, inputs, attributes = {}, more = []) {
      const output = `${kind.toLowerCase()}_${nodes.length}`;
      const list = Object.entries(attributes).map(([name, value]) => {
        if (typeof value === "string") return attribute(name, part(4, value), whole(20, 3));
        if (typeof value === "object") return attribute(name, wholes(8, value), whole(20, 7));
        if (FLOATS.has(name)) return attribute(name, floatField(2, [value], false), whole(20, 1));
        return attribute(name, whole(3, value), whole(20, 2));
      });
      const [domain, operator] = kind.startsWith(ORT) ? [ORT.slice(0, -1), kind.slice(ORT.length)] : ["", kind];
      nodes.push(
        concat(node(operator, inputs, [output, ...more], list, output), ...(domain === "" ? [] : [part(7, domain)])),
      );
      return output;
    },
    bytes(inputs, outputs) {
      const ports = Object.entries(inputs).map(([name, shape]) => valueInfo(name, shape));
      const content = graph(nodes, tensors, [ports, outputs.map((name) => valueInfo(name))]);
      return onnxOf(opset, content, part(8, opsetId(ORT.slice(0, -1), 1)));
    },
  };
}

/** `layers.0`, `layers.1`, …: 16 → sizes → 5, with ReLU between. */
export function mlpOnnx(seed = 1, sizes: readonly number[] = [12, 10]): Uint8Array<ArrayBuffer> {
  const net = onnxNetwork(seed);
  let value = "x";
  const all = [16, ...sizes, 5];
  for (let i = 0; i + 1 < all.length; i++) {
    const [into, out] = [all[i]!, all[i + 1]!];
    const tensors = [net.weight(`layers.${i}.weight`, [out, into]), net.weight(`layers.${i}.bias`, [out], 0.3)];
    value = net.add("Gemm", [value, ...tensors], { transB: 1 });
    if (i + 2 < all.length) value = net.add("Relu", [value]);
  }
  return net.bytes({ x: ["n", 16] }, [value]);
}

/** A convolution with its BatchNorm, by PyTorch's names. */
export function convNorm(
  net: OnnxNetwork,
  value: string,
  [conv, norm]: readonly [string, string],
  [into, out]: readonly [number, number],
  { side = 3, stride = 1, group = 1 }: { side?: number; stride?: number; group?: number } = {},
): string {
  const pad = Math.floor(side / 2);
  const convolved = net.add("Conv", [value, net.weight(`${conv}.weight`, [out, into / group, side, side])], {
    kernel_shape: [side, side],
    pads: [pad, pad, pad, pad],
    strides: [stride, stride],
    group,
  });
  return net.add("BatchNormalization", [
    convolved,
    net.weight(`${norm}.weight`, [out], 0.1, 1),
    net.weight(`${norm}.bias`, [out], 0.3),
    net.weight(`${norm}.running_mean`, [out], 0.3),
    net.weight(`${norm}.running_var`, [out], 0.05, 1),
  ]);
}

/** A VGG as torch.nn.Sequential names it: two stages of one convolution, a flatten of 8·2·2, two matrices. */
export function vggOnnx(seed = 1): Uint8Array<ArrayBuffer> {
  const net = onnxNetwork(seed);
  let value = "x";
  for (const [at, into, out] of [
    [0, 3, 6],
    [4, 6, 8],
  ] as const) {
    value = net.add("Relu", [convNorm(net, value, [`features.${at}`, `features.${at + 1}`], [into, out])]);
    value = net.add("MaxPool", [value], { kernel_shape: [2, 2], strides: [2, 2] });
  }
  value = net.add("Flatten", [value], { axis: 1 });
  const dense = (at: number, into: number, out: number): string =>
    net.add(
      "Gemm",
      [value, net.weight(`classifier.${at}.weight`, [out, into]), net.weight(`classifier.${at}.bias`, [out], 0.3)],
      { transB: 1 },
    );
  value = net.add("Relu", [dense(1, 32, 9)]);
  value = dense(3, 9, 4);
  return net.bytes({ x: ["n", 3, 8, 8] }, [value]);
}

/** A residual network with BatchNorm: two stages of one block. */
export function resnetOnnx(seed = 1): Uint8Array<ArrayBuffer> {
  const net = onnxNetwork(seed);
  let value = net.add("Relu", [convNorm(net, "x", ["conv1", "bn1"], [3, 6])]);
  for (const [stage, into, out] of [
    [1, 6, 6],
    [2, 6, 8],
  ] as const) {
    const path = `layer${stage}.0`;
    const stride = stage === 1 ? 1 : 2;
    let main = convNorm(net, value, [`${path}.conv1`, `${path}.bn1`], [into, out], { stride });
    main = convNorm(net, net.add("Relu", [main]), [`${path}.conv2`, `${path}.bn2`], [out, out]);
    const around =
      into === out
        ? value
        : convNorm(net, value, [`${path}.downsample.0`, `${path}.downsample.1`], [into, out], { side: 1, stride });
    value = net.add("Relu", [net.add("Add", [main, around])]);
  }
  value = net.add("Flatten", [net.add("GlobalAveragePool", [value])], { axis: 1 });
  value = net.add("Gemm", [value, net.weight("fc.weight", [4, 8]), net.weight("fc.bias", [4], 0.3)], { transB: 1 });
  return net.bytes({ x: ["n", 3, 8, 8] }, [value]);
}

/** Two branches that are joined, and a sum around a matrix: what names and shapes do not show. */
export function branchedOnnx(seed = 1): Uint8Array<ArrayBuffer> {
  const net = onnxNetwork(seed);
  const dense = (value: string, name: string, into: number, out: number): string =>
    net.add("Gemm", [value, net.weight(`${name}.w`, [out, into]), net.weight(`${name}.b`, [out], 0.1)], { transB: 1 });
  const left = net.add("Relu", [dense("x", "one", 6, 4)]);
  const right = net.add("Relu", [dense("x", "two", 6, 5)]);
  const joined = net.add("Concat", [left, right], { axis: 1 });
  const sum = net.add("Add", [joined, dense(joined, "three", 9, 9)]);
  return net.bytes({ x: ["n", 6] }, [dense(sum, "four", 9, 3)]);
}
