/** Binds a spec of the reference form to a model; other specs pass unchanged. */

import { describeTensor } from "../base/compare-tensors.ts";
import { SpecError } from "../base/errors.ts";
import type { TensorInfo } from "../base/model.ts";
import { tensorName } from "../base/tensor-names.ts";
import { ANY_SIZE, formatAxis } from "./axis.ts";
import type { Axis, Factor, Spec, TensorSpec } from "./types.ts";

/**
 * The spec without `reshape` and with `rest` "refused" or "fixed". A reshaped tensor's axes are grouped into the
 * tensor's true ones (`[256, 128, 9]` of `[256, 1152]`: the last two are one axis). With `rest` "reference" every other
 * tensor of the model is listed too, without a vote: BatchNorm statistics move like the norm's weight, the others are
 * fixed. Returns `spec` itself when there is nothing to do. Throws `SpecError` when a reshape does not fit.
 */
export function fitSpec(spec: Spec, tensors: ReadonlyMap<string, TensorInfo>): Spec {
  const fits = spec.rest !== "reference" && ![...spec.tensors.values()].some(({ reshape }) => reshape !== undefined);
  return fits ? spec : refit(spec, tensors);
}

function refit(spec: Spec, tensors: ReadonlyMap<string, TensorInfo>): Spec {
  const fitted = new Map<string, TensorSpec>();
  for (const [name, tensor] of spec.tensors) {
    const info = tensors.get(name);
    // A listed tensor that the model lacks is reported by resolveSpec, all of them at once.
    if (tensor.reshape === undefined || info === undefined)
      fitted.set(name, { axes: tensor.axes, votes: tensor.votes });
    else fitted.set(name, { axes: groupAxes(name, tensor.axes, tensor.reshape, info), votes: tensor.votes });
  }
  if (spec.rest !== "reference") return { ...spec, tensors: fitted };
  const norms = normAxes(fitted);
  for (const [name, info] of tensors) {
    if (fitted.has(name)) continue;
    const { role, path } = tensorName(name);
    const like = role === "mean" || role === "variance" ? norms.get(path.join("/")) : undefined;
    const axes = like !== undefined && info.shape.length === 1 ? [like] : info.shape.map((): Axis => [[ANY_SIZE]]);
    fitted.set(name, { axes, votes: false });
  }
  return { ...spec, tensors: fitted, rest: "fixed" };
}

/** By module: the axis of every listed one-dimensional weight. */
function normAxes(listed: ReadonlyMap<string, TensorSpec>): Map<string, Axis> {
  const axes = new Map<string, Axis>();
  for (const [name, tensor] of listed) {
    const { role, path } = tensorName(name);
    if (role === "weight" && tensor.axes.length === 1) axes.set(path.join("/"), tensor.axes[0]!);
  }
  return axes;
}

function groupAxes(name: string, axes: readonly Axis[], reshape: readonly number[], info: TensorInfo): Axis[] {
  const grouped: Axis[] = [];
  let at = 0;
  for (const [k, size] of info.shape.entries()) {
    const start = at;
    let product = 1;
    while (at < reshape.length && (at === start || product < size)) product *= reshape[at++]!;
    // Sizes of 1 that are left at the end belong to the last axis.
    if (k === info.shape.length - 1) while (at < reshape.length && reshape[at] === 1) at++;
    if (product !== size || start === at) break;
    grouped.push(joinAxes(name, axes.slice(start, at), reshape.slice(start, at)));
  }
  if (grouped.length === info.shape.length && at === reshape.length) return grouped;
  throw new SpecError(`${name} is ${describeTensor(info)}, expected axes that reshape to [${reshape.join(", ")}]`);
}

/** Several reshaped axes as one product; a free one takes its size from the reshape. */
function joinAxes(name: string, axes: readonly Axis[], sizes: readonly number[]): Axis {
  if (axes.length === 1) return axes[0]!;
  const factors = axes.flatMap((axis, i): Factor[] => {
    const [segment] = axis;
    if (axis.length !== 1 || segment === undefined) {
      throw new SpecError(`${name} reshapes "${formatAxis(axis)}" into a product, expected no concatenation there`);
    }
    if (segment.length === 1 && segment[0] === ANY_SIZE) return sizes[i] === 1 ? [] : [sizes[i]!];
    return [...segment];
  });
  return factors.some((factor) => typeof factor === "string") ? [factors] : [[ANY_SIZE]];
}
