/** Convolutions: channels meet the filter's input axis, positions keep their order. */

import { SpecError } from "../../base/errors.ts";
import { joined } from "./elementwise.ts";
import type { Call, GraphValue, Kind, Labelled, Labels } from "./kind.ts";
import { dividedSize, type Size } from "./sizes.ts";
import { imageLabels, imageSizes, isPointwise, slideSize, type Windows, windowsOf } from "./spatial.ts";

/** The filter's axes: groups `g`, channels of a group `c`, outputs of a group `o`, positions `k0` …. */
interface Filter {
  readonly labels: readonly Labels[];
  readonly sizes: Map<string, Size>;
  readonly windows: readonly Size[];
}

const positions = (rank: number, prefix: string): string[] => Array.from({ length: rank }, (_, at) => `${prefix}${at}`);

function filterOf(call: Call, weight: GraphValue, transposed: boolean): Filter {
  const shape = weight.shape!;
  const rank = shape.length - 2;
  const group = call.number("group", 1);
  const form = call.text("filter", "oihw");
  const k = positions(rank, "k");
  const fault = new SpecError(
    `${call.operator.name} has a filter of ${shape.join("×")} in ${group} groups, expected groups that divide it`,
  );
  if (form === "hwim") {
    const [g, o] = [shape[rank]!, shape[rank + 1]!];
    return {
      labels: [...k, "g", "o"],
      sizes: new Map([
        ["g", g],
        ["c", 1],
        ["o", o],
      ]),
      windows: shape.slice(0, rank),
    };
  }
  const last = form === "hwio";
  const [first, second] = last ? shape.slice(rank) : shape;
  // The axis that all groups share is the second of `oihw`, the input's of a convolution and the output's of a transposed one.
  const [whole, shared] = last ? [second!, first!] : [first!, second!];
  const part = dividedSize(whole, group);
  if (part === undefined) throw fault;
  const [ofWhole, ofShared] = transposed ? ["c", "o"] : ["o", "c"];
  const sizes = new Map<string, Size>([
    ["g", group],
    [ofWhole, part],
    [ofShared, shared],
  ]);
  const labels = last ? [...k, ofShared, ["g", ofWhole]] : [["g", ofWhole], ofShared, ...k];
  return { labels, sizes, windows: last ? shape.slice(0, rank) : shape.slice(2) };
}

function convolve(call: Call, input: GraphValue, weight: GraphValue, transposed: boolean): GraphValue {
  if (weight.shape === undefined || weight.shape.length < 3) {
    call.fix(input, "meets a filter of unknown rank");
    call.fix(weight, "is a filter of unknown rank");
    return call.opaque("is made by a filter of unknown rank");
  }
  const rank = weight.shape.length - 2;
  const image = call.ranked(input, rank + 2);
  const filter = filterOf(call, weight, transposed);
  const windows = windowsOf(call, filter.windows);
  const still = isPointwise(windows);
  const [from, to] = [positions(rank, "s"), positions(rank, still ? "s" : "t")];
  const reason = `${call.operator.kind} reads positions by their place`;
  const ordered = new Map(still ? [] : [...from, ...to, ...positions(rank, "k")].map((label) => [label, reason]));
  const sizes = new Map(filter.sizes);
  if (!still) for (const [at, label] of to.entries()) sizes.set(label, slidTo(call, image, at, windows, transposed));
  const [result] = call.relate({
    operands: [
      { value: image, labels: imageLabels<Labels>(call, "b", ["g", "c"], from) },
      { value: weight, labels: filter.labels },
      ...biasOf(call, input, weight),
    ],
    outputs: [imageLabels<Labels>(call, "b", ["g", "o"], to)],
    sizes,
    ordered,
  });
  return result!;
}

function biasOf(call: Call, input: GraphValue, weight: GraphValue): Labelled[] {
  const plain = call.inputs[0] === input && call.inputs[1] === weight;
  const bias = plain && /(^|[.])(Fused)?Conv(Transpose)?$/.test(call.operator.kind) ? call.inputs[2] : undefined;
  return bias === undefined ? [] : [{ value: bias, labels: [["g", "o"]] }];
}

function slidTo(call: Call, image: GraphValue, at: number, windows: Windows, transposed: boolean): Size {
  const size = imageSizes(call, image).positions[at]!;
  if (!transposed) return slideSize(call, size, at, windows);
  const window = windows.sizes[at]!;
  if (typeof size === "string" || typeof window === "string") return call.unknown();
  const given = call.numbers("output_shape");
  if (given !== undefined) return given[given.length - windows.sizes.length + at]!;
  if (windows.automatic.startsWith("SAME")) return size * windows.strides[at]!;
  const [before, after] = windows.pads[at]!;
  const more = call.numbers("output_padding")?.[at] ?? 0;
  return windows.strides[at]! * (size - 1) + more + (window - 1) * windows.dilations[at]! + 1 - before - after;
}

const conv: Kind = (call) => [convolve(call, call.input(0), call.input(1), false)];

/** Input, filter, bias, a value that is added before the activation. */
const fusedConv: Kind = (call) => {
  const made = convolve(call, call.input(0), call.input(1), false);
  return [call.inputs[3] === undefined ? made : joined(call, [made, call.input(3)])];
};

const convTranspose: Kind = (call) => [convolve(call, call.input(0), call.input(1), true)];

/** The result's channels meet scales and points of the filter's outputs. */
function withChannels(call: Call, result: GraphValue, vectors: readonly (GraphValue | undefined)[]): GraphValue {
  if (result.shape === undefined) return result;
  const labels = imageLabels(call, "b", "o", positions(result.shape.length - 2, "s"));
  const own = vectors.filter((value) => value?.shape?.length === 1) as GraphValue[];
  return call.relate({
    operands: [{ value: result, labels }, ...own.map((value) => ({ value, labels: ["o"] }))],
    outputs: [labels],
  })[0]!;
}

/** Input, filter, their zero points. */
const convInteger: Kind = (call) => [
  withChannels(call, convolve(call, call.input(0), call.input(1), false), [call.inputs[3]]),
];

/** Input, its scale and point, filter, its scale and point, those of the result, bias. */
const qLinearConv: Kind = (call) => {
  const result = convolve(call, call.input(0), call.input(3), false);
  return [withChannels(call, result, [call.inputs[4], call.inputs[5], call.inputs[8]])];
};

/** One entry for each kind. */
export const CONVOLUTIONS: readonly [string, Kind][] = [
  ["Conv", conv],
  ["com.microsoft.FusedConv", fusedConv],
  ["ConvTranspose", convTranspose],
  ["ConvInteger", convInteger],
  ["QLinearConv", qLinearConv],
];
