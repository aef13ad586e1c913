/**
 * Small networks as tensors, a spec and a forward pass in plain loops over f64: slow and obvious, to tell whether two
 * models compute the same function.
 */

import { parseSpec } from "../../src/axes/spec-file.ts";
import type { Spec } from "../../src/axes/types.ts";
import { memoryModel } from "../../src/base/memory-model.ts";
import type { Model } from "../../src/base/model.ts";
import type { Rng } from "../../src/base/rng.ts";
import { gaussianArray } from "./random.ts";

/** Tensors by name as f32 with shapes. */
export type Tensors = Map<string, { shape: number[]; data: Float32Array }>;

export interface Network {
  readonly name: string;
  readonly spec: Spec;
  readonly tensors: Tensors;
  /** Length of the input vector (channel-major for images). */
  readonly inputs: number;
  forward(tensors: Tensors, input: Float64Array): Float64Array;
}

/** The network's tensors as a model of F32. */
export function toModel(tensors: Tensors, name = "model"): Model {
  return memoryModel(
    new Map(
      [...tensors].map(([tensor, { shape, data }]) => [
        tensor,
        { dtype: "F32", shape, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) },
      ]),
    ),
    { name },
  );
}

/** A model's F32 tensors as arrays (copies). */
export async function fromModel(model: Model): Promise<Tensors> {
  const tensors: Tensors = new Map();
  for (const [name, { shape }] of model.tensors) {
    tensors.set(name, { shape: [...shape], data: new Float32Array((await model.read(name)).slice().buffer) });
  }
  return tensors;
}

function fill(shapes: Record<string, number[]>, rng: Rng): Tensors {
  return new Map(
    Object.entries(shapes).map(([name, shape]) => {
      const count = shape.reduce((product, size) => product * size, 1);
      const data = gaussianArray(count, rng, 1 / Math.sqrt(shape.length > 1 ? count / shape[0]! : 1));
      const positive = name.endsWith("running_var");
      return [name, { shape, data: positive ? data.map((value) => 0.5 + Math.abs(value)) : data }];
    }),
  );
}

const axes = (lists: Record<string, (string | number)[]>, silent: string[] = []): Spec =>
  parseSpec({
    format: "rebasin-spec/1",
    tensors: Object.fromEntries(
      Object.entries(lists).map(([name, list]) => [name, { axes: list.map(String), votes: !silent.includes(name) }]),
    ),
  });

function dense(tensors: Tensors, name: string, input: ArrayLike<number>): Float64Array {
  const { shape, data } = tensors.get(`${name}.weight`)!;
  const [out, inputs] = shape as [number, number];
  const bias = tensors.get(`${name}.bias`)?.data;
  return Float64Array.from({ length: out }, (_, o) => {
    let sum = bias?.[o] ?? 0;
    for (let i = 0; i < inputs; i++) sum += data[o * inputs + i]! * input[i]!;
    return sum;
  });
}

const relu = (values: Float64Array): Float64Array => values.map((value) => Math.max(0, value));

/** 3×3 convolution, padding 1, channel-major images of side × side. */
function conv(tensors: Tensors, name: string, input: Float64Array, side: number): Float64Array {
  const { shape, data } = tensors.get(`${name}.weight`)!;
  const [out, inputs] = shape as [number, number, number, number];
  const bias = tensors.get(`${name}.bias`)?.data;
  const result = new Float64Array(out * side * side);
  for (let o = 0; o < out; o++) {
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        let sum = bias?.[o] ?? 0;
        for (let i = 0; i < inputs; i++) {
          for (let ky = 0; ky < 3; ky++) {
            for (let kx = 0; kx < 3; kx++) {
              const [sy, sx] = [y + ky - 1, x + kx - 1];
              if (sy < 0 || sx < 0 || sy >= side || sx >= side) continue;
              sum += data[((o * inputs + i) * 3 + ky) * 3 + kx]! * input[(i * side + sy) * side + sx]!;
            }
          }
        }
        result[(o * side + y) * side + x] = sum;
      }
    }
  }
  return result;
}

/** BatchNorm in evaluation, channel-major. */
function batchNorm(tensors: Tensors, name: string, input: Float64Array): Float64Array {
  const read = (part: string): Float32Array => tensors.get(`${name}.${part}`)!.data;
  const [weight, bias, mean, variance] = [read("weight"), read("bias"), read("running_mean"), read("running_var")];
  const area = input.length / weight.length;
  return input.map((value, at) => {
    const c = Math.floor(at / area);
    return ((value - mean[c]!) / Math.sqrt(variance[c]! + 1e-5)) * weight[c]! + bias[c]!;
  });
}

/** 6-12-9-4 with biases. */
export function mlpNetwork(rng: Rng, widths: number[] = [6, 12, 9, 4]): Network {
  const shapes: Record<string, number[]> = {};
  const lists: Record<string, (string | number)[]> = {};
  const depth = widths.length - 1;
  const axis = (at: number): string | number => (at === 0 || at === depth ? widths[at]! : `P${at - 1}`);
  for (let i = 0; i < depth; i++) {
    shapes[`layers.${i}.weight`] = [widths[i + 1]!, widths[i]!];
    shapes[`layers.${i}.bias`] = [widths[i + 1]!];
    lists[`layers.${i}.weight`] = [axis(i + 1), axis(i)];
    lists[`layers.${i}.bias`] = [axis(i + 1)];
  }
  return {
    name: "mlp",
    spec: axes(lists),
    tensors: fill(shapes, rng),
    inputs: widths[0]!,
    forward(tensors, input) {
      let values = input;
      for (let i = 0; i < depth; i++) {
        values = dense(tensors, `layers.${i}`, values);
        if (i + 1 < depth) values = relu(values);
      }
      return values;
    },
  };
}

/** Two convolutions on 4×4 images, channel-major flatten, two dense tensors; BatchNorm after each convolution on request. */
export function convNetwork(rng: Rng, norms: boolean): Network {
  const shapes: Record<string, number[]> = {
    "conv0.weight": [5, 2, 3, 3],
    "conv0.bias": [5],
    "conv1.weight": [7, 5, 3, 3],
  };
  const lists: Record<string, (string | number)[]> = {
    "conv0.weight": ["A", 2, 3, 3],
    "conv0.bias": ["A"],
    "conv1.weight": ["B", "A", 3, 3],
  };
  const silent: string[] = [];
  if (norms) {
    for (const [name, channels, permutation] of [
      ["bn0", 5, "A"],
      ["bn1", 7, "B"],
    ] as const) {
      for (const part of ["weight", "bias", "running_mean", "running_var"]) {
        shapes[`${name}.${part}`] = [channels];
        lists[`${name}.${part}`] = [permutation];
        if (part.startsWith("running")) silent.push(`${name}.${part}`);
      }
    }
  }
  Object.assign(shapes, { "fc0.weight": [6, 7 * 16], "fc0.bias": [6], "fc1.weight": [3, 6], "fc1.bias": [3] });
  Object.assign(lists, { "fc0.weight": ["D", "B*16"], "fc0.bias": ["D"], "fc1.weight": [3, "D"], "fc1.bias": [3] });
  return {
    name: norms ? "conv with BatchNorm" : "conv and flatten",
    spec: axes(lists, silent),
    tensors: fill(shapes, rng),
    inputs: 2 * 16,
    forward(tensors, input) {
      let values = input;
      for (const at of [0, 1]) {
        values = conv(tensors, `conv${at}`, values, 4);
        if (norms) values = batchNorm(tensors, `bn${at}`, values);
        values = relu(values);
      }
      return dense(tensors, "fc1", relu(dense(tensors, "fc0", values)));
    },
  };
}

/** The planted instances of the reference figures: input 10, a stream, blocks of hidden units, output 10. */
export function residualNetwork(rng: Rng, stream = 30, hidden = 50, blocks = 3): Network {
  const shapes: Record<string, number[]> = { "in.weight": [stream, 10] };
  const lists: Record<string, (string | number)[]> = { "in.weight": ["S", 10] };
  for (let b = 0; b < blocks; b++) {
    shapes[`up${b}.weight`] = [hidden, stream];
    shapes[`down${b}.weight`] = [stream, hidden];
    lists[`up${b}.weight`] = [`H${b}`, "S"];
    lists[`down${b}.weight`] = ["S", `H${b}`];
  }
  shapes["out.weight"] = [10, stream];
  lists["out.weight"] = [10, "S"];
  return {
    name: "residual",
    spec: axes(lists),
    tensors: fill(shapes, rng),
    inputs: 10,
    forward(tensors, input) {
      let values = dense(tensors, "in", input);
      for (let b = 0; b < blocks; b++) {
        const inner = dense(tensors, `down${b}`, relu(dense(tensors, `up${b}`, values)));
        values = values.map((value, i) => value + inner[i]!);
      }
      return dense(tensors, "out", values);
    },
  };
}
