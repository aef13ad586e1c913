/** Family `vgg`: convolutions in a chain, then dense matrices; with or without norms; LeNet and the like too. */

import type { Spec } from "../axes/types.ts";
import { SpecError } from "../base/errors.ts";
import { type Module, readModules, type Tensors } from "./modules.ts";
import type { Told } from "./options.ts";
import { checkChainNames, layoutName, orderChain, type PlainChain, plainChain, plural } from "./plain.ts";
import { findBlocks } from "./resnet-blocks.ts";

/**
 * The spec of a plain convolutional network: `C0`, `C1`, … between convolutions, `D0`, … between dense matrices. The
 * flatten between them may have any number of positions: channel-major in PyTorch's layout (`C4*49`), channel-minor in
 * Flax's and Keras's (`49*C4`). Throws `SpecError` naming what does not fit.
 */
export function vggSpec(tensors: Tensors, told: Told): Spec {
  const { spec, operations } = vggChain(tensors, told);
  const why = `${describe(operations)}, ${layoutName(operations)}`;
  return { ...spec, family: "vgg", why, frozen: [] };
}

/** The modules of a plain convolutional network in order, and their spec. Throws `SpecError` as `vggSpec` does. */
export function vggChain(tensors: Tensors, told: Told): PlainChain {
  const read = readModules(tensors);
  const convs = read.modules.filter((module) => module.kind === "conv");
  if (convs.length === 0) throw new SpecError(`model has no convolution`);
  const blocks = told.isChain ? null : findBlocks(read.modules);
  if (blocks !== null) throw new SpecError(`${[...blocks.blocks.keys()][0]} is named like a residual block`);
  checkChainNames(read, told);
  const name = (module: Module, k: number): string =>
    module.kind === "conv" ? `C${k}` : module.kind === "embedding" ? "E" : `D${k - convs.length}`;
  return plainChain(read, orderChain(read, tensors, told), tensors, told, name);
}

function describe(operations: readonly Module[]): string {
  const convs = operations.filter((module) => module.kind === "conv");
  const denses = operations.filter((module) => module.kind === "dense");
  const widths = (modules: readonly Module[]): string => modules.map((module) => module.out).join("-");
  const first = `${plural(convs.length, "convolution")} (${widths(convs)})`;
  const [dense] = denses;
  if (dense === undefined) return `${first} in a chain`;
  const positions = dense.in / convs.at(-1)!.out;
  const flatten = positions === 1 ? "" : ` after a flatten of ${positions} positions`;
  return `${first} and ${plural(denses.length, "dense tensor")} (${widths(denses)})${flatten} in a chain`;
}
