/** Task vectors: what a fine-tune changed. */

import type { Spec } from "../axes/types.ts";
import { isFloat } from "../base/dtype.ts";
import type { Model, TensorInfo } from "../base/model.ts";
import { withKernels } from "../kernels/idle.ts";
import type { Alignment, Permutations } from "../perm/alignment.ts";
import { applyPermutations } from "../perm/apply-permutations.ts";
import type { Pair } from "../perm/pair.ts";
import { requireSameTensors } from "../perm/same-tensors.ts";
import { addScaled } from "./blends/sums.ts";
import { toFloats } from "./floats.ts";

/** What a fine-tune changed: a lazy model whose float tensors are differences from a base, as F64. */
export interface TaskVector {
  readonly delta: Model;
}

/** The tensors of differences from `base`: floats as F64, others as they are. Throws `TypeError` for complex ones. */
export function deltaTensors({ tensors }: Pick<Model, "tensors">): Map<string, TensorInfo> {
  return new Map(
    [...tensors].map(([name, info]) => {
      if (info.dtype === "C64") throw new TypeError(`${name} is C64, expected real numbers for a task vector`);
      return [name, isFloat(info.dtype) ? { ...info, dtype: "F64" } : info];
    }),
  );
}

/**
 * What `model` differs by from `base`, its own base: lazy, in f64. Closing `delta` closes both.
 *
 * @throws {SpecError} when the two differ in names, shapes or dtypes.
 * @throws {TypeError} for complex tensors.
 *
 * @example
 * const task = taskVector(tuned, base);
 * const twice = blendModels([task], { blend: "task_arithmetic", base, settings: { taskScale: 2 } });
 */
export function taskVector(model: Model, base: Model): TaskVector {
  requireSameTensors(base, model);
  const tensors = deltaTensors(model);
  return {
    delta: {
      name: model.name,
      tensors,
      metadata: model.metadata,
      async read(name, signal) {
        const bytes = await model.read(name, signal);
        const { dtype } = model.tensors.get(name)!;
        if (!isFloat(dtype)) return bytes;
        const own = withKernels({}, (kernels) => toFloats(kernels, dtype, bytes));
        const from = await base.read(name, signal);
        addScaled(
          own,
          withKernels({}, (kernels) => toFloats(kernels, dtype, from)),
          -1,
        );
        return new Uint8Array(own.buffer, own.byteOffset, own.byteLength);
      },
      async close() {
        await model.close?.();
        await base.close?.();
      },
    },
  };
}

/**
 * The task vector in the numbering of another base: `alignment` is what moves its own base there, and moves what was
 * changed in it just so.
 *
 * @throws {SpecError} when the spec does not fit or names differ.
 * @throws {RangeError} for arrays that are no permutations.
 *
 * @example
 * const { alignment } = await matchWeights(base, otherBase, spec);
 * const moved = await moveTask(taskVector(tuned, otherBase), spec, alignment);
 * const model = blendModels([moved], { blend: "task_arithmetic", base });
 */
export async function moveTask(
  { delta }: TaskVector,
  spec: Spec | Pair,
  alignment: Alignment | Permutations,
): Promise<TaskVector> {
  return { delta: await applyPermutations(delta, spec, alignment) };
}

/** Differences as the tensors of `base`: `read` gives those that are not zero. */
export function deltaOf(
  name: string,
  base: Pick<Model, "tensors" | "read">,
  read: (tensor: string, signal: AbortSignal | undefined) => Promise<Float64Array | undefined>,
  close: () => Promise<void>,
): Model {
  const tensors = deltaTensors(base);
  return {
    name,
    tensors,
    metadata: new Map(),
    async read(tensor, signal) {
      const info = tensors.get(tensor);
      if (info?.dtype !== "F64") return base.read(tensor, signal);
      const elements = info.shape.reduce((product, size) => product * size, 1);
      const values = (await read(tensor, signal)) ?? new Float64Array(elements);
      return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    },
    close,
  };
}
