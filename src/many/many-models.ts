/** Several models as one problem: the same tensors, one resolved spec, every float read as f32. */

import type { ResolvedSpec, ResolvedTensor, Spec } from "../axes/types.ts";
import { asFloat32 } from "../base/aligned.ts";
import { isFloat } from "../base/dtype.ts";
import { elementCount, type Model, type TensorInfo } from "../base/model.ts";
import { widen } from "../kernels/convert.ts";
import { createKernels, type Kernels } from "../kernels/kernels.ts";
import type { BuildOptions } from "../kernels/wasm.ts";
import type { Orders } from "../perm/alignment.ts";
import { gatherTensor, sourceOf } from "../perm/gather-tensor.ts";
import { resolveFor } from "../perm/resolve-for.ts";
import { requireSameTensors } from "../perm/same-tensors.ts";

export interface ManyModels {
  /** The models with every float tensor read as F32 (F64 rounded to nearest even); nothing is kept in memory. */
  readonly models: readonly Model[];
  readonly spec: Spec;
  readonly resolved: ResolvedSpec;
  /** Tensors that vote, in file order. */
  readonly voting: readonly ResolvedTensor[];
  readonly kernels: Kernels;
  /** One voting tensor of model number `i` renumbered by `orders`: values that may be a view, to be read only. */
  readAligned(i: number, tensor: ResolvedTensor, orders: Orders): Promise<Float32Array>;
}

/**
 * Checks that the models hold the same tensors and that the spec fits. Throws `RangeError` for fewer than two models
 * and `SpecError` naming the models that differ.
 */
export function gatherModels(
  given: readonly Model[],
  spec: Spec,
  signal: AbortSignal | undefined,
  build: BuildOptions,
): ManyModels {
  if (given.length < 2) throw new RangeError(`${given.length} models, expected two or more`);
  for (const model of given.slice(1)) requireSameTensors(given[0]!, model);
  const kernels = createKernels(build);
  const models = given.map((model) => asF32(model, kernels));
  const resolved = resolveFor(models[0]!, spec);
  const tensors = new Map(resolved.tensors.map((tensor) => [tensor.name, tensor]));
  return {
    models,
    spec,
    resolved,
    voting: resolved.tensors.filter(({ votes }) => votes),
    kernels,
    async readAligned(i, tensor, orders) {
      const bytes = await models[i]!.read(sourceOf(tensors, tensor.name, orders), signal);
      return asFloat32(gatherTensor(kernels, tensor, orders, bytes));
    },
  };
}

/** What the tensors are when every float one is read as F32. */
export function floatsAsF32(tensors: Model["tensors"]): Map<string, TensorInfo> {
  return new Map([...tensors].map(([name, info]) => [name, isFloat(info.dtype) ? { ...info, dtype: "F32" } : info]));
}

/** The model with every float tensor as F32; other tensors as they are. */
function asF32(model: Model, kernels: Kernels): Model {
  const tensors = floatsAsF32(model.tensors);
  return {
    name: model.name,
    tensors,
    metadata: model.metadata,
    async read(name, signal) {
      const bytes = await model.read(name, signal);
      const { dtype, shape } = model.tensors.get(name)!;
      if (!isFloat(dtype) || dtype === "F32") return bytes;
      const count = elementCount(shape);
      const mark = kernels.arena.mark();
      try {
        const pointer = kernels.arena.allocate(4 * count);
        widen(kernels, pointer, bytes, dtype, count);
        return kernels.u8(pointer, 4 * count).slice();
      } finally {
        kernels.arena.release(mark);
      }
    },
  };
}

/** A lazy model of F32 for the matcher, which reads nothing but voting tensors; it has all the others by name. */
export function votingModel(
  many: ManyModels,
  name: string,
  read: (tensor: ResolvedTensor) => Promise<Float32Array>,
): Model {
  const byName = new Map(many.voting.map((tensor) => [tensor.name, tensor]));
  return {
    name,
    tensors: many.models[0]!.tensors,
    metadata: new Map(),
    async read(tensor) {
      const { buffer, byteOffset, byteLength } = await read(byName.get(tensor)!);
      return new Uint8Array(buffer, byteOffset, byteLength);
    },
  };
}
