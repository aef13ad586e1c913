/** What a blend is: what it needs, its settings, and a function over one tensor of every model. */

import type { Rng } from "../../base/rng.ts";

/** Which values of a tensor are one vector: the whole tensor, each run along the last axis, or along the first. */
export type Along = "tensor" | "last" | "first";

/**
 * The compensation for dropped values. `"norm"` is a factor that keeps ‖δ‖₁, as in mergekit. `"density"` divides by the
 * keeping probability, as in the DARE and DELLA papers.
 */
export type Rescale = "none" | "norm" | "density";

/** Settings of blends, per tensor. A list has one value for each model, in order. */
export interface BlendSettings {
  /** lerp, slerp: share of the second model, 0 to 1. */
  readonly lambda?: number | undefined;
  /** Weight of each model. */
  readonly weights?: number | readonly number[] | undefined;
  /** Share of a tensor's differences that is kept, 0 to 1. sce: of the positions where models differ. */
  readonly density?: number | readonly number[] | undefined;
  /** breadcrumbs: share of the largest differences that is dropped. */
  readonly gamma?: number | readonly number[] | undefined;
  /** della: probabilities of being kept are `density` ± this. */
  readonly epsilon?: number | readonly number[] | undefined;
  /** Factor of the merged difference from the base; mergekit's `lambda`. */
  readonly taskScale?: number | undefined;
  /** Divide by the sum of weights. */
  readonly normalize?: boolean | undefined;
  readonly rescale?: Rescale | undefined;
  readonly along?: Along | undefined;
  /** karcher: steps at most. */
  readonly maxSteps?: number | undefined;
  /** karcher: a step shorter than this, in radians, is the last. */
  readonly tolerance?: number | undefined;
  /** regmean: factor of the off-diagonal entries of Gram matrices, 0 to 1. */
  readonly offDiagonal?: number | undefined;
}

/**
 * Settings with defaults in place, lists as long as there are models. Those that the blend has no use for are
 * absent.
 */
export type SettledBlend = {
  readonly [K in keyof BlendSettings]?: K extends ListSetting ? readonly number[] : NonNullable<BlendSettings[K]>;
};

/** Settings that may differ from model to model. */
export const LIST_SETTINGS: readonly ListSetting[] = ["weights", "density", "gamma", "epsilon"];
/** Names of settings that may be a list, one value for each model. */
export type ListSetting = "weights" | "density" | "gamma" | "epsilon";

/** One tensor of every model, as numbers. */
export interface BlendInput {
  readonly name: string;
  /** Of the numbers: complex ones are two. No empty one: a scalar has `[1]`. */
  readonly shape: readonly number[];
  /** Which axis of a matrix or kernel has the channels out: [out, in, …] or […, in, out]. */
  readonly channelsOut: "first" | "last";
  readonly models: number;
  readonly settings: SettledBlend;
  /** Values of model number `i`: a fresh array. */
  values(i: number): Promise<Float64Array>;
  /** What model number `i` differs by from the base: a fresh array. */
  delta(i: number): Promise<Float64Array>;
  /** Values of the base, not to be changed; undefined without a base. */
  base(): Promise<Float64Array | undefined>;
  /** Random numbers by seed, tensor name and number of the model. */
  rng(i: number): Rng;
  /** Gram matrix of what the tensor's layer reads in model number `i`; undefined where there is none. */
  gram(i: number): Promise<Float64Array | undefined>;
}

/** One tensor of the blend: a fresh array, in f64. */
export type TensorBlend = (input: BlendInput) => Promise<Float64Array>;

/** An entry of the registry. */
export interface BlendRule {
  /** One line, for people. */
  readonly summary: string;
  /** How many models it blends, the base not counted: least and most. */
  readonly models: readonly [number, number];
  /** Whether it blends differences from a base. */
  readonly base: "none" | "optional" | "required";
  /** It needs Gram matrices of what layers read, which come from data. */
  readonly data?: boolean | undefined;
  /** Every setting it has, with its default. */
  readonly settings: { readonly [K in keyof BlendSettings]?: NonNullable<BlendSettings[K]> };
  /** Each value of the blend depends on the models' values at its place alone: large tensors may come in parts. */
  readonly byValue?: boolean | undefined;
  /** It works on matrices of real numbers: complex ones are refused. */
  readonly matrices?: boolean | undefined;
  /** Throws `RangeError` for settings that do not go together. */
  readonly check?: ((settings: SettledBlend) => void) | undefined;
  /** Undefined for the blends of two models of the core, which `blendTensor` does. */
  readonly load?: (() => Promise<TensorBlend>) | undefined;
}
