/** Family `mlp`: dense matrices in a chain, with or without biases and norms, PyTorch or Flax layout. */

import type { Spec } from "../axes/types.ts";
import { SpecError } from "../base/errors.ts";
import { type Modules, readModules, type Tensors } from "./modules.ts";
import type { Told } from "./options.ts";
import { checkChainNames, layoutName, orderChain, type PlainChain, plainChain, plural } from "./plain.ts";

/**
 * The spec of a multilayer perceptron: `P0`, `P1`, … between the dense matrices. The names decide the layout (`weight`
 * is [out, in], `kernel` [in, out]); where the shapes do not chain that way, the other one is tried. Throws `SpecError`
 * naming what does not fit.
 */
export function mlpSpec(tensors: Tensors, told: Told): Spec {
  const { spec, operations } = mlpChain(tensors, told);
  const [first] = operations;
  const widths = [...(first!.kind === "embedding" ? [] : [first!.in]), ...operations.map((module) => module.out)].join(
    "-",
  );
  const denses = operations.filter(({ kind }) => kind === "dense");
  const why = `${plural(denses.length, "dense tensor")} in a chain ${widths}, ${layoutName(denses)}`;
  return { ...spec, family: "mlp", why, frozen: [] };
}

/** The modules of a multilayer perceptron in order, and their spec. Throws `SpecError` as `mlpSpec` does. */
export function mlpChain(tensors: Tensors, told: Told): PlainChain {
  // Names are looked at in either layout; only shapes and biases tell which it is.
  const readings = firstErrorOf([false, true], (flip) => readDense(tensors, flip));
  checkChainNames(readings[0]!, told);
  const [chain] = firstErrorOf(readings, (read) => [read, orderChain(read, tensors, told)] as const);
  return plainChain(chain![0], chain![1], tensors, told, (_, k) => `P${k}`);
}

/** What `step` makes of those that it does not throw a `SpecError` for; the first error where it throws for all. */
function firstErrorOf<T, R>(list: readonly T[], step: (item: T) => R): R[] {
  const made: R[] = [];
  let first: SpecError | undefined;
  for (const item of list) {
    try {
      made.push(step(item));
    } catch (error) {
      if (!(error instanceof SpecError)) throw error;
      first ??= error;
    }
  }
  if (made.length === 0) throw first;
  return made;
}

function readDense(tensors: Tensors, flip: boolean): Modules {
  const read = readModules(tensors, flip);
  const conv = read.modules.find((module) => module.kind === "conv");
  if (conv !== undefined) throw new SpecError(`${conv.name} is a convolution`);
  return read;
}
