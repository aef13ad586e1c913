/** A graph's file with the tensors of a checkpoint in place of its tensors. */

import { DTYPES } from "../base/dtype.ts";
import type { Model } from "../base/model.ts";
import { encodeFloats } from "../kernels/float-values.ts";
import { withKernels } from "../kernels/idle.ts";
import { readFloats } from "../kernels/read-floats.ts";
import type { TensorLink } from "./link-tensors.ts";
import { turnedValues } from "./tensor-content.ts";

/**
 * The model of the graph's file with every linked tensor read from `model`: in the file's order of axes and dtype. What
 * is not linked is the file's own. A view of both: closing it closes neither.
 */
export function graftModel(file: Model, model: Model, links: readonly TensorLink[]): Model {
  // Of copies the first counts: the others have its values.
  const byName = new Map(links.toReversed().map((link) => [link.graph, link]));
  return {
    name: model.name,
    tensors: file.tensors,
    metadata: file.metadata,
    origin: file.origin,
    async read(name, signal) {
      const link = byName.get(name);
      const info = file.tensors.get(name);
      if (link === undefined || info === undefined) return file.read(name, signal);
      const { dtype, shape } = model.tensors.get(link.tensor)!;
      if (link.order === undefined && dtype === info.dtype) return model.read(link.tensor, signal);
      if (DTYPES[dtype].kind !== "float" || DTYPES[info.dtype].kind !== "float")
        throw new RangeError(
          `${model.name} tensor ${link.tensor} is ${dtype}, expected ${info.dtype} as in ${file.name}`,
        );
      const values = await readFloats(model, link.tensor, signal);
      const turned = link.order === undefined ? values : turnedValues(values, shape, link.order);
      return withKernels({}, (kernels) => encodeFloats(kernels, turned, info.dtype));
    },
  };
}
