/** What a merge will take, known from shapes alone: a small file may ask for more than an isolate has. */

import { DTYPES, detectSpec, familySpec, type Model, parseSpec, resolveSpec, type Spec, SpecError } from "rebasin";
import { Problem } from "./problem.ts";

/** Work areas and what the runtime needs for itself. */
const BASE_BYTES = 4_000_000;

/** "auto", a family's name or a parsed spec file, as a spec. Throws `SpecError`. */
export function specFor(which: string | object, model: Model): Spec {
  if (typeof which !== "string") return parseSpec(which);
  if (which === "auto") return detectSpec(model);
  try {
    return familySpec(which, model);
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    throw new SpecError(`${error.message}; "auto" finds the family by itself`);
  }
}

/** Throws 422 when a merge of models like this one, of `fileBytes` together, would take more than `limit`. */
export function checkMemory(model: Model, spec: Spec, fileBytes: number, limit: number): void {
  // Frank-Wolfe keeps two matrices of f32 for every permutation.
  const { permutations } = resolveSpec(spec, model.tensors);
  const matrices = permutations.reduce((sum, { size }) => sum + 8 * size * size, 0);
  let [elements, bytes] = [0, 0];
  for (const { dtype, shape } of model.tensors.values()) {
    const count = shape.reduce((product, size) => product * size, 1);
    elements = Math.max(elements, count);
    bytes = Math.max(bytes, (count * DTYPES[dtype].bits) / 8);
  }
  // The largest tensor, in the same memory: twice as f32; and while it is merged, twice more where it is moved.
  const need = fileBytes + BASE_BYTES + 8 * elements + Math.max(matrices, 2 * bytes);
  if (need <= limit) return;
  const largest = Math.max(0, ...permutations.map(({ size }) => size));
  const why = `permutations of up to ${largest} units, files of ${fileBytes} bytes`;
  throw new Problem(422, `merge takes about ${need} bytes of memory (${why}), expected at most ${limit}`);
}
