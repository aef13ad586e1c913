/**
 * A network is a function that asks for its tensors by name: run once it makes them, in the order in which it asks, run
 * again it reads them. Nothing here knows of specs or of detection.
 */

import type { Dtype } from "../../../src/base/dtype.ts";
import { memoryModel } from "../../../src/base/memory-model.ts";
import type { Model } from "../../../src/base/model.ts";
import { createRng, type Rng } from "../../../src/base/rng.ts";
import { gaussianArray } from "../random.ts";
import type { Value } from "./values.ts";
import * as values from "./values.ts";

export type Tensor = { readonly shape: readonly number[]; readonly data: Float32Array };
export type TensorMap = Map<string, Tensor>;

/** How names are put together. */
export interface Naming {
  /** Between module and tensor. */
  readonly separator?: "." | "/";
  /** `torch`: weight, bias; `flax`: kernel, bias, scale; `keras`: kernel:0, gamma:0; `haiku`: w, b. */
  readonly style?: "torch" | "flax" | "keras" | "haiku";
  /** Flax's trees `params` and `batch_stats` around all names. */
  readonly collections?: boolean;
}

const LEAVES = {
  torch: {
    weight: "weight",
    bias: "bias",
    gain: "weight",
    shift: "bias",
    mean: "running_mean",
    variance: "running_var",
  },
  flax: { weight: "kernel", bias: "bias", gain: "scale", shift: "bias", mean: "mean", variance: "var" },
  keras: {
    weight: "kernel:0",
    bias: "bias:0",
    gain: "gamma:0",
    shift: "beta:0",
    mean: "moving_mean:0",
    variance: "moving_variance:0",
  },
  haiku: { weight: "w", bias: "b", gain: "scale", shift: "offset", mean: "mean", variance: "var" },
} as const;

/** Asks for tensors and applies them. */
export class Layers {
  readonly tensors: TensorMap;
  readonly #rng: Rng | undefined;
  readonly #naming: Naming;

  constructor(naming: Naming, tensors?: TensorMap, rng?: Rng) {
    this.tensors = tensors ?? new Map();
    this.#rng = rng;
    this.#naming = naming;
  }

  get #style(): "torch" | "flax" | "keras" | "haiku" {
    return this.#naming.style ?? "torch";
  }

  get isChannelsLast(): boolean {
    return this.#style !== "torch";
  }

  tensor(name: string, shape: readonly number[], positive = false): Tensor {
    const known = this.tensors.get(name);
    if (known !== undefined) return known;
    if (this.#rng === undefined) throw new RangeError(`${name} is asked for and not there`);
    const count = shape.reduce((product, size) => product * size, 1);
    const scale =
      shape.length > 1 ? Math.sqrt((shape.length > 2 ? 1.5 : 1.2) / (count / Math.max(...shape.slice(0, 2)))) : 0.7;
    const data = gaussianArray(count, this.#rng, scale);
    const made = { shape, data: positive ? data.map((x) => 0.5 + Math.abs(x)) : data };
    this.tensors.set(name, made);
    return made;
  }

  #named(module: string, role: keyof (typeof LEAVES)["torch"]): string {
    const separator = this.#naming.separator ?? (this.#style === "torch" ? "." : "/");
    const tree =
      this.#naming.collections === true ? (role === "mean" || role === "variance" ? "batch_stats/" : "params/") : "";
    return `${tree}${module}${module === "" ? "" : separator}${LEAVES[this.#style][role]}`;
  }

  bias(module: string, outs: number, bias: boolean): Float32Array | undefined {
    return bias ? this.tensor(this.#named(module, "bias"), [outs]).data : undefined;
  }

  dense(module: string, value: Value, outs: number, { bias = true }: { bias?: boolean } = {}): Value {
    const ins = value.channels;
    const last = this.isChannelsLast;
    const { data } = this.tensor(this.#named(module, "weight"), last ? [ins, outs] : [outs, ins]);
    const weight = (o: number, i: number): number => data[last ? i * outs + o : o * ins + i]!;
    return values.dense(weight, outs, this.bias(module, outs, bias), value);
  }

  conv(
    module: string,
    value: Value,
    outs: number,
    side = 3,
    { bias = true, groups = 1 }: { bias?: boolean; groups?: number } = {},
  ): Value {
    const sides = value.sides.map(() => side);
    const ins = value.channels / groups;
    const last = this.isChannelsLast;
    const shape = last ? [...sides, ins, outs] : [outs, ins, ...sides];
    const { data } = this.tensor(this.#named(module, "weight"), shape);
    const taps = sides.reduce((product, each) => product * each, 1);
    const kernel = (o: number, i: number, offset: readonly number[]): number => {
      const tap = offset.reduce((sum, x) => sum * side + x, 0);
      return data[last ? (tap * ins + i) * outs + o : (o * ins + i) * taps + tap]!;
    };
    return values.conv(kernel, outs, sides, groups, this.bias(module, outs, bias), value);
  }

  convTransposed(
    module: string,
    value: Value,
    outs: number,
    side = 3,
    { bias = true }: { bias?: boolean } = {},
  ): Value {
    const sides = value.sides.map(() => side);
    const { data } = this.tensor(this.#named(module, "weight"), [value.channels, outs, ...sides]);
    const taps = sides.reduce((product, each) => product * each, 1);
    const kernel = (i: number, o: number, offset: readonly number[]): number =>
      data[(i * outs + o) * taps + offset.reduce((sum, x) => sum * side + x, 0)]!;
    return values.convTransposed(kernel, outs, sides, this.bias(module, outs, bias), value);
  }

  affine(module: string, value: Value, { shift = true }: { shift?: boolean } = {}): Value {
    const gain = this.tensor(this.#named(module, "gain"), [value.channels]).data;
    const by = shift ? this.tensor(this.#named(module, "shift"), [value.channels]).data : undefined;
    return values.map(value, (x, c) => x * (1 + gain[c]!) + (by?.[c] ?? 0));
  }

  batchNorm(module: string, value: Value): Value {
    const [gain, shift] = [
      this.tensor(this.#named(module, "gain"), [value.channels]).data,
      this.tensor(this.#named(module, "shift"), [value.channels]).data,
    ];
    const mean = this.tensor(this.#named(module, "mean"), [value.channels]).data;
    const variance = this.tensor(this.#named(module, "variance"), [value.channels], true).data;
    return values.map(value, (x, c) => ((x - mean[c]!) / Math.sqrt(variance[c]! + 1e-5)) * (1 + gain[c]!) + shift[c]!);
  }

  layerNorm(module: string, value: Value): Value {
    return this.affine(module, values.layerNorm(value));
  }

  groupNorm(module: string, value: Value, groups: number): Value {
    return this.affine(module, values.groupNorm(value, groups));
  }

  /** One slope a channel, or one for all. */
  prelu(module: string, value: Value, slopes: number = value.channels): Value {
    const slope = this.tensor(this.#named(module, "weight"), [slopes]).data;
    return values.map(value, (x, c) => (x > 0 ? x : x * slope[slopes === 1 ? 0 : c]!));
  }

  /** Rows by number: one vector a position. */
  embed(name: string, ids: readonly number[], words: number, width: number): Value {
    const { data } = this.tensor(name, [words, width]);
    const rows = Float64Array.from(
      { length: width * ids.length },
      (_, i) => data[ids[i % ids.length]! * width + Math.floor(i / ids.length)]!,
    );
    return { channels: width, sides: [ids.length], data: rows };
  }
}

/** A network: what it is, and how it computes. */
export interface PlainNetwork {
  readonly name: string;
  readonly naming?: Naming | undefined;
  /** Shape of the input: channels, then sides. */
  readonly input: readonly number[];
  readonly forward: (layers: Layers, input: Value) => Value;
}

/** An input, and the tensors that the network asks for. */
export function makeNetwork(network: PlainNetwork, seed: number): { input: Value; tensors: TensorMap } {
  const rng = createRng(seed);
  const [channels, ...sides] = network.input as [number, ...number[]];
  const count = network.input.reduce((product, size) => product * size, 1);
  const input = { channels, sides, data: Float64Array.from(gaussianArray(count, rng, 1)) };
  const layers = new Layers(network.naming ?? {}, undefined, rng);
  network.forward(layers, input);
  return { input, tensors: layers.tensors };
}

export const runNetwork = (network: PlainNetwork, tensors: TensorMap, input: Value): Float64Array =>
  network.forward(new Layers(network.naming ?? {}, tensors), input).data;

/** The tensors as a model, of F32 or of `dtypes`' names (the values stay f32). */
export function networkModel(tensors: TensorMap): Model {
  const dtype: Dtype = "F32";
  return memoryModel(
    new Map(
      [...tensors].map(([name, { shape, data }]) => [
        name,
        { dtype, shape: [...shape], data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) },
      ]),
    ),
  );
}

export async function modelTensors(model: Model): Promise<TensorMap> {
  const tensors: TensorMap = new Map();
  for (const [name, { shape }] of model.tensors)
    tensors.set(name, { shape, data: new Float32Array((await model.read(name)).slice().buffer) });
  return tensors;
}
