/** Whether two models hold the same tensors: names, shapes, dtypes. */

import type { TensorInfo } from "./model.ts";

/** One difference. `missing` is in A only, `extra` in B only; `a` and `b` read like `F32 [512, 784]`. */
export interface Difference {
  readonly kind: "missing" | "extra" | "shape" | "dtype";
  readonly tensor: string;
  readonly a: string | null;
  readonly b: string | null;
}

/** A tensor in words: `F32 [512, 784]`. */
export function describeTensor(info: TensorInfo): string {
  return `${info.dtype} [${info.shape.join(", ")}]`;
}

/**
 * Every difference between two models' tensors: first those of A in A's order, then what only B has. Empty when
 * they fit.
 */
export function compareTensors(a: ReadonlyMap<string, TensorInfo>, b: ReadonlyMap<string, TensorInfo>): Difference[] {
  const differences: Difference[] = [];
  for (const [tensor, info] of a) {
    const other = b.get(tensor);
    const add = (kind: Difference["kind"]): void => {
      const found = other === undefined ? null : describeTensor(other);
      differences.push({ kind, tensor, a: describeTensor(info), b: found });
    };
    if (other === undefined) {
      add("missing");
      continue;
    }
    if (info.shape.join() !== other.shape.join()) add("shape");
    if (info.dtype !== other.dtype) add("dtype");
  }
  for (const [tensor, info] of b) {
    if (!a.has(tensor)) differences.push({ kind: "extra", tensor, a: null, b: describeTensor(info) });
  }
  return differences;
}

/** Differences as one sentence part, the first `limit` in full and then a count. */
export function describeDifferences(list: readonly Difference[], limit = 10): string {
  return listFirst(list.map(describeDifference), limit, "; ");
}

function describeDifference({ kind, tensor, a, b }: Difference): string {
  if (kind === "missing") return `${tensor} is missing in B, expected ${a} as in A`;
  if (kind === "extra") return `${tensor} is ${b} in B, expected no such tensor as in A`;
  return `${tensor} has ${kind === "shape" ? "shape" : "dtype"} ${b} in B, expected ${a} as in A`;
}

/** The first `limit` texts, then how many more there are. */
export function listFirst(texts: readonly string[], limit = 10, separator = ", "): string {
  const more = texts.length - limit;
  const shown = texts.slice(0, limit).join(separator);
  return more > 0 ? `${shown}${separator}and ${more} more` : shown;
}
