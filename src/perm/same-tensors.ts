/** Two models that are to be matched or merged must hold the same tensors. */

import { compareTensors, describeDifferences, listFirst } from "../base/compare-tensors.ts";
import { SpecError } from "../base/errors.ts";
import type { GraphUse, Model } from "../base/model.ts";
import { tensorName } from "../base/tensor-names.ts";

/** Throws `SpecError` listing the differences (the first ten, then a count) unless names, shapes and dtypes agree. */
export function requireSameTensors(a: Model, b: Model): void {
  const differences = compareTensors(a.tensors, b.tensors);
  if (differences.length > 0) throw differFault(a, b, differences);
  for (const [name, { use, shape }] of a.tensors) {
    const [inA, inB] = [layoutOf(name, use), layoutOf(name, b.tensors.get(name)?.use)];
    if (inA !== inB && inA !== "other" && inB !== "other" && shape.length > 1)
      throw new SpecError(`${name} is ${inA} in A and ${inB} in B, expected one order: axes are never transposed`);
  }
}

/** By the graph of the file, else by the name: Keras 3 numbers its variables, `layers/dense/vars/0`. */
export function layoutOf(name: string, use: GraphUse | undefined): string {
  return (
    use?.layout ?? (name.includes("/vars/") || ["kernel", "w"].includes(tensorName(name).leaf) ? "in-out" : "out-in")
  );
}

function differFault(a: Model, b: Model, differences: ReturnType<typeof compareTensors>): SpecError {
  if (![...a.tensors.keys()].some((name) => b.tensors.has(name))) {
    const found = `${namesOf(a)} in A, ${namesOf(b)} in B`;
    return new SpecError(
      `${a.name} and ${b.name} have no tensor name in common, expected the same tensors: ${found}${layoutsOf(a, b)}`,
    );
  }
  const found = `${describeDifferences(differences)}${layoutsOf(a, b)}`;
  return new SpecError(`${a.name} and ${b.name} do not hold the same tensors: ${found}`);
}

/** PyTorch's weights and those of Keras and Flax have their axes in another order, which is never changed here. */
export function layoutsOf(a: Model, b: Model): string {
  const names = [a, b].map(({ tensors }) => [...tensors.keys()].some((name) => tensorName(name).leaf === "kernel"));
  const isTurned = [...a.tensors].some(([name, { shape }]) => {
    const other = b.tensors.get(name)?.shape ?? [];
    return shape.length > 1 && shape.join() !== other.join() && [...shape].sort().join() === [...other].sort().join();
  });
  if (names[0] === names[1] && !isTurned) return "";
  const [inA, inB] = names[0] ? ["[in, out]", "[out, in]"] : ["[out, in]", "[in, out]"];
  const layouts = names[0] === names[1] ? "[out, in] in one, [in, out] in the other" : `${inA} in A, ${inB} in B`;
  return ` (weights are ${layouts}: PyTorch has [out, in], Keras and Flax [in, out]; axes are never transposed)`;
}

const namesOf = ({ tensors }: Model): string => (tensors.size === 0 ? "none" : listFirst([...tensors.keys()], 2));

/** True when both hold the same tensors: goes through A's names alone. */
export function holdsSame(a: Pick<Model, "tensors">, b: Pick<Model, "tensors">): boolean {
  if (a.tensors.size !== b.tensors.size) return false;
  for (const [name, { dtype, shape }] of a.tensors) {
    const other = b.tensors.get(name);
    if (other?.dtype !== dtype || other.shape.join() !== shape.join()) return false;
  }
  return true;
}
