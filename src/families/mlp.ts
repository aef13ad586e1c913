/** Family `mlp`: dense matrices in a chain, with or without biases and norms, PyTorch or Flax layout. */

import type { Spec } from "../axes/types.ts";
import { SpecError } from "../base/errors.ts";
import { type Modules, readModules, type Tensors } from "./modules.ts";
import type { Told } from "./options.ts";
import { checkChainNames, layoutName, orderChain, type PlainChain, plainChain, plural } from "./plain.ts";

/**
 * The spec of a multilayer perceptron: `P0`, `P1`, … between the dense matrices. The layout is told by the names
 * (`weight` is [out, in], `kernel` [in, out]); where the shapes do not chain that way, the other one is tried.
 * Throws `SpecError` saying what does not fit.
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
  const [read, ordered] = inEitherLayout(tensors, (modules) => orderChain(modules, tensors, told), told);
  return plainChain(read, ordered, tensors, told, (_, k) => `P${k}`);
}

/** Tries the layout of the names, then the other one; throws what the first one says. */
function inEitherLayout<T>(tensors: Tensors, order: (modules: Modules) => T, told: Told): [Modules, T] {
  try {
    return inLayout(tensors, order, told, false);
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    try {
      return inLayout(tensors, order, told, true);
    } catch (other) {
      throw other instanceof SpecError ? error : other;
    }
  }
}

function inLayout<T>(tensors: Tensors, order: (modules: Modules) => T, told: Told, flip: boolean): [Modules, T] {
  const read = readModules(tensors, flip);
  const conv = read.modules.find((module) => module.kind === "conv");
  if (conv !== undefined) throw new SpecError(`${conv.name} is a convolution`);
  checkChainNames(read, told);
  return [read, order(read)];
}
