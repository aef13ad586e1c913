/** The objective Σ ⟨A, π(B)⟩ by its definition: every axis gathered, then one long sum in f64. */

import { gatherIndex } from "../../src/axes/axis.ts";
import { resolveSpec } from "../../src/axes/resolve-spec.ts";
import type { Spec } from "../../src/axes/types.ts";
import type { Model } from "../../src/base/model.ts";
import { fromModel } from "./networks.ts";

export async function referenceObjective(
  a: Model,
  b: Model,
  spec: Spec,
  permutations: ReadonlyMap<string, Int32Array>,
): Promise<number> {
  const resolved = resolveSpec(spec, a.tensors);
  const orders = resolved.permutations.map(
    ({ name, size }) => permutations.get(name) ?? Int32Array.from({ length: size }, (_, i) => i),
  );
  const [tensorsA, tensorsB] = [await fromModel(a), await fromModel(b)];
  let sum = 0;
  for (const { name, axes, votes } of resolved.tensors) {
    if (!votes) continue;
    const indices = axes.map((axis) => gatherIndex(axis, orders));
    const [dataA, dataB] = [tensorsA.get(name)!.data, tensorsB.get(name)!.data];
    for (let flat = 0; flat < dataA.length; flat++) {
      let [rest, stride, from] = [flat, 1, 0];
      for (let d = axes.length - 1; d >= 0; d--) {
        const { length } = axes[d]!;
        from += indices[d]![rest % length]! * stride;
        rest = Math.floor(rest / length);
        stride *= length;
      }
      sum += dataA[flat]! * dataB[from]!;
    }
  }
  return sum;
}
