/** Sizes and labels of the axes that convolutions and pools slide over. */

import { SpecError } from "../../base/errors.ts";
import type { Call, GraphValue } from "./kind.ts";
import type { Size } from "./sizes.ts";

/** How windows slide over each axis. */
export interface Windows {
  readonly sizes: readonly Size[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Before and after each axis. */
  readonly pads: readonly (readonly [number, number])[];
  readonly automatic: string;
  readonly ceil: boolean;
}

/** The windows of these sizes with the operator's strides, dilations and pads. */
export function windowsOf(call: Call, sizes: readonly Size[]): Windows {
  const rank = sizes.length;
  const strides = call.numbers("strides") ?? Array(rank).fill(1);
  const dilations = call.numbers("dilations") ?? Array(rank).fill(1);
  const pads = call.numbers("pads") ?? Array(2 * rank).fill(0);
  if (strides.length !== rank || dilations.length !== rank || pads.length !== 2 * rank)
    throw new SpecError(`${call.operator.name} has strides, dilations or pads for other axes, expected ${rank} axes`);
  return {
    sizes,
    strides,
    dilations,
    pads: sizes.map((_, at) => [pads[at]!, pads[at + rank]!] as const),
    automatic: call.text("auto_pad", "NOTSET"),
    ceil: call.number("ceil_mode", 0) !== 0,
  };
}

/** True where every window is one position and each position has one. */
export function isPointwise({ sizes, strides, pads, automatic }: Windows): boolean {
  const still = pads.every(([before, after]) => before === 0 && after === 0) || automatic !== "NOTSET";
  return sizes.every((size) => size === 1) && strides.every((stride) => stride === 1) && still;
}

/** Positions of the windows on axis `at` of `size`. */
export function slideSize(call: Call, size: Size, at: number, windows: Windows): Size {
  const { sizes, strides, dilations, pads, automatic, ceil } = windows;
  const window = sizes[at]!;
  const stride = strides[at]!;
  if (size === 1 && window === 1 && stride === 1 && pads[at]!.every((pad) => pad === 0)) return 1;
  if (typeof size === "string" || typeof window === "string" || stride < 1) return call.unknown();
  if (automatic.startsWith("SAME")) return Math.ceil(size / stride);
  const [before, after] = automatic === "VALID" ? [0, 0] : pads[at]!;
  const steps = (size + before + after - dilations[at]! * (window - 1) - 1) / stride;
  return Math.max(0, (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1);
}

/** True for channels last. */
export function isChannelsLast(call: Call): boolean {
  return call.text("layout", "nchw") === "nhwc";
}

/** Labels of a value with a batch axis, channels and positions. */
export function imageLabels<T>(call: Call, batch: T, channels: T, positions: readonly T[]): T[] {
  return isChannelsLast(call) ? [batch, ...positions, channels] : [batch, channels, ...positions];
}

/** Batch, channels and positions of a value of known rank. */
export function imageSizes(call: Call, { shape }: GraphValue): { batch: Size; channels: Size; positions: Size[] } {
  const [batch = 1, ...rest] = shape ?? [];
  if (rest.length === 0) throw new SpecError(`${call.operator.name} is given a value without channels, expected some`);
  const channels = isChannelsLast(call) ? rest.at(-1)! : rest[0]!;
  return { batch, channels, positions: isChannelsLast(call) ? rest.slice(0, -1) : rest.slice(1) };
}
