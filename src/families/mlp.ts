/** Family `mlp`: dense matrices in a chain, with or without biases and norms, PyTorch or Flax layout. */

import type { Spec } from "../axes/types.ts";
import { SpecError } from "../base/errors.ts";
import { type Module, readModules, type Tensors } from "./modules.ts";
import { compareNatural } from "./order.ts";
import { layoutName, type PlainChain, plainChain, plural } from "./plain.ts";
import { isDigit } from "./words.ts";

/**
 * The spec of a multilayer perceptron: `P0`, `P1`, … between the dense matrices. The layout is told by the names
 * (`weight` is [out, in], `kernel` [in, out]); where the shapes do not chain that way, the other one is tried.
 * Throws `SpecError` saying what does not fit.
 */
export function mlpSpec(tensors: Tensors): Spec {
  const { spec, operations, notes } = mlpChain(tensors);
  const widths = [operations[0]!.in, ...operations.map((module) => module.out)].join("-");
  const why = `${plural(operations.length, "dense tensor")} in a chain ${widths}, ${layoutName(operations)}${notes}`;
  return { ...spec, family: "mlp", why, frozen: [] };
}

/** The modules of a multilayer perceptron in order, and their spec. Throws `SpecError` as `mlpSpec` does. */
export function mlpChain(tensors: Tensors): PlainChain {
  return inEitherLayout(tensors, (modules) => {
    const conv = modules.find((module) => module.kind === "conv");
    if (conv !== undefined) throw new SpecError(`${conv.name} is a convolution, expected dense tensors only`);
    refuseBlocks(modules);
    return plainChain(modules, tensors, (_, k) => `P${k}`);
  });
}

/** Tries the layout of the names, then the other one; throws what the first one says. */
function inEitherLayout<T>(tensors: Tensors, build: (modules: readonly Module[]) => T): T {
  try {
    return build(readModules(tensors));
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    try {
      return build(readModules(tensors, true));
    } catch (other) {
      throw other instanceof SpecError ? error : other;
    }
  }
}

/** Numbered blocks of several matrices that keep their width look like residual blocks, which names cannot tell. */
function refuseBlocks(modules: readonly Module[]): void {
  const blocks = new Map<string, Module[]>();
  for (const module of modules) {
    const words = module.kind === "dense" ? module.path.split(".") : [];
    for (const [i, word] of words.slice(0, -1).entries()) {
      if (!isDigit(word, word.length - 1)) continue;
      const block = words.slice(0, i + 1).join(".");
      const same = blocks.get(block);
      if (same === undefined) blocks.set(block, [module]);
      else same.push(module);
    }
  }
  const keeping = [...blocks].filter(([, denses]) => denses.length > 1 && keepWidth(denses));
  if (keeping.length > 1) throw seemsResidual(...keeping[0]!);
}

function keepWidth(denses: readonly Module[]): boolean {
  const sorted = [...denses].sort((a, b) => compareNatural(a.path, b.path));
  return sorted[0]!.in === sorted.at(-1)!.out;
}

function seemsResidual(block: string, denses: readonly Module[]): SpecError {
  const reason = "a skip connection around it cannot be told from names and shapes";
  return new SpecError(
    `${block} holds ${denses.length} dense tensors and keeps its width ${denses[0]!.in}: ${reason}, expected a plain chain`,
  );
}
