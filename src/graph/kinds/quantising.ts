/** Operators between floats and integers: scales and zero points are scalars or one an element of an axis. */

import type { Call, GraphValue, Kind, Labelled } from "./kind.ts";
import { axisOf } from "./normalisation.ts";

/** GraphValue, scale, zero point. Scales of blocks of an axis fix what they meet. */
const linear: Kind = (call) => {
  const value = call.input(0);
  const rank = value.shape?.length;
  const others = call.inputs.slice(1).filter((each) => each !== undefined);
  if (rank === undefined) {
    for (const each of others) call.fix(each, "scales a value of unknown rank");
    return [value];
  }
  const labels = value.shape!.map((_, at) => `a${at}`);
  const operands: Labelled[] = [{ value, labels }];
  for (const each of others) {
    if (each.shape?.length === 0) continue;
    if (each.shape?.length === 1)
      operands.push({ value: each, labels: [labels[axisOf(call, call.number("axis", 1), rank)]!] });
    else fixBlocks(call, [value, each]);
  }
  return call.relate({ operands, outputs: [labels] });
};

function fixBlocks(call: Call, values: readonly GraphValue[]): void {
  for (const value of values) call.fix(value, "is scaled by blocks");
}

/** The scale is that of the whole value. */
const dynamic: Kind = (call) => [call.input(0), call.uniform([]), call.uniform([])];

/** One entry for each kind. */
export const QUANTISING: readonly [string, Kind][] = [
  ["QuantizeLinear", linear],
  ["DequantizeLinear", linear],
  ["DynamicQuantizeLinear", dynamic],
];
