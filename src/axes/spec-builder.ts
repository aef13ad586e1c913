/** Specs written in code: the same thing as a spec file, with less typing. */

import { SpecError } from "../base/errors.ts";
import { ANY_SIZE, isPermutationName, parseAxis } from "./axis.ts";
import type { Axis, NestedPermutation, Spec, TensorSpec } from "./types.ts";

/** An axis as text (`"P5*49"`), a fixed size, or null: not permuted, of any size. */
export type AxisText = string | number | null;

/** `torch`: `.weight` [out, in, …], `.bias`; `flax`: `/kernel` […, in, out], `/bias`, norms `/scale`. */
export type Layout = "torch" | "flax";

/** How `dense` states its tensors. */
export interface DenseOptions {
  /** Default true. */
  readonly bias?: boolean | undefined;
  /** Default "torch". */
  readonly layout?: Layout | undefined;
}

/** How `conv` states its tensors. */
export interface ConvOptions extends DenseOptions {
  /** Spatial axes, default 2. */
  readonly spatial?: number | undefined;
}

/** How `norm` states its tensors. */
export interface NormOptions extends DenseOptions {
  /** Running mean and variance, and PyTorch's batch counter. Default true; false for LayerNorm and the like. */
  readonly statistics?: boolean | undefined;
}

/** Collects tensors; every method but `build` returns the builder. */
export interface SpecBuilder {
  /** One tensor. It votes by default. Throws `SpecError` when the tensor is already listed. */
  tensor(name: string, axes: readonly AxisText[], options?: { readonly votes?: boolean }): SpecBuilder;
  /** A dense module: its matrix and its bias. */
  dense(prefix: string, out: AxisText, input: AxisText, options?: DenseOptions): SpecBuilder;
  /** A convolution: its kernel and its bias. */
  conv(prefix: string, out: AxisText, input: AxisText, options?: ConvOptions): SpecBuilder;
  /** A norm over channels. Its running statistics move and do not vote. */
  norm(prefix: string, channels: AxisText, options?: NormOptions): SpecBuilder;
  /** Declares that a permutation moves blocks of `inner` units by `outer`, and units inside each block freely. */
  nested(name: string, outer: string, inner: number): SpecBuilder;
  /** What happens to tensors that are not listed. Default "refused". */
  rest(rest: "refused" | "fixed"): SpecBuilder;
  /** The spec so far; the builder may be used on. */
  build(notes?: Pick<Spec, "family" | "why" | "frozen">): Spec;
}

/**
 * Starts an empty spec.
 *
 * @example
 * const spec = specBuilder().dense("fc1", "P0", null).dense("fc2", null, "P0").build();
 */
export function specBuilder(): SpecBuilder {
  const tensors = new Map<string, TensorSpec>();
  const permutations = new Map<string, NestedPermutation>();
  let rest: "refused" | "fixed" = "refused";
  const add = (name: string, axes: readonly AxisText[], votes: boolean): void => {
    if (tensors.has(name)) throw new SpecError(`tensor ${name} is listed twice, expected once`);
    tensors.set(name, { axes: axes.map(toAxis), votes });
  };
  const builder: SpecBuilder = {
    tensor(name, axes, options = {}) {
      add(name, axes, options.votes ?? true);
      return builder;
    },
    dense: (prefix, out, input, options = {}) => builder.conv(prefix, out, input, { ...options, spatial: 0 }),
    conv(prefix, out, input, { bias = true, layout = "torch", spatial = 2 } = {}) {
      const free: null[] = new Array(spatial).fill(null);
      if (layout === "torch") add(`${prefix}.weight`, [out, input, ...free], true);
      else add(`${prefix}/kernel`, [...free, input, out], true);
      if (bias) add(layout === "torch" ? `${prefix}.bias` : `${prefix}/bias`, [out], true);
      return builder;
    },
    norm(prefix, channels, options = {}) {
      for (const [name, scalar, votes] of normTensors(prefix, options)) add(name, scalar ? [] : [channels], votes);
      return builder;
    },
    nested(name, outer, inner) {
      permutations.set(name, checkNested(name, { outer, inner }));
      return builder;
    },
    rest(value) {
      rest = value;
      return builder;
    },
    build: (notes = {}) => ({ tensors: new Map(tensors), permutations: new Map(permutations), rest, ...notes }),
  };
  return builder;
}

/** Name, whether it is a scalar, whether it votes. */
function normTensors(prefix: string, options: NormOptions): [string, boolean, boolean][] {
  const { bias = true, layout = "torch", statistics = true } = options;
  const flax = layout === "flax";
  // Flax keeps statistics in a tree of their own.
  const other = flax ? prefix.replace(/^params([./])/, "batch_stats$1") : prefix;
  const list: [string, boolean, boolean][] = [[flax ? `${prefix}/scale` : `${prefix}.weight`, false, true]];
  if (bias) list.push([flax ? `${prefix}/bias` : `${prefix}.bias`, false, true]);
  if (!statistics) return list;
  list.push([flax ? `${other}/mean` : `${other}.running_mean`, false, false]);
  list.push([flax ? `${other}/var` : `${other}.running_var`, false, false]);
  if (!flax) list.push([`${other}.num_batches_tracked`, true, false]);
  return list;
}

/** An axis as specs hold it. Throws `SpecError` for a number that is no size, and as `parseAxis` does. */
export function toAxis(axis: AxisText): Axis {
  if (axis === null) return [[ANY_SIZE]];
  if (typeof axis === "number" && !(Number.isSafeInteger(axis) && axis >= 0)) {
    throw new SpecError(`axis is ${axis}, expected a size, text or null`);
  }
  return parseAxis(String(axis));
}

/** Checks the names and the size of a nested permutation; throws `SpecError`. Returns it. */
export function checkNested(name: string, nested: NestedPermutation): NestedPermutation {
  for (const text of [name, nested.outer]) {
    if (!isPermutationName(text)) {
      const rule = "letters, digits, . _ - not starting with a digit";
      throw new SpecError(`permutation ${JSON.stringify(text)} is no legal name, expected ${rule}`);
    }
  }
  if (!Number.isSafeInteger(nested.inner) || nested.inner < 1) {
    throw new SpecError(`permutation ${name} has inner ${nested.inner}, expected an integer of at least 1`);
  }
  return nested;
}
