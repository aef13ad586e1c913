/** Sums, means and extremes over axes, and operators that need the order of an axis. */

import type { Call, GraphValue, Kind } from "./kind.ts";
import { axisOf, within } from "./normalisation.ts";
import { imageLabels } from "./spatial.ts";

/** The value without these axes, or with size 1 there. */
function reduced(call: Call, value: GraphValue, over: readonly number[], keep: boolean): GraphValue {
  const labels = value.shape!.map((_, at) => `a${at}`);
  const kept = labels.filter((_, at) => !over.includes(at));
  const [result] = call.relate({ operands: [{ value, labels }], outputs: [kept] });
  if (!keep) return result!;
  return call.reshape(
    result!,
    value.shape!.map((size, at) => (over.includes(at) ? 1 : size)),
  );
}

/** Axes from the second input or the attribute; none means all, unless `noop_with_empty_axes`. */
const reduce: Kind = (call) => {
  const value = call.input(0);
  const rank = value.shape?.length;
  const known = call.inputs[1] === undefined ? undefined : call.known(1);
  if (rank === undefined) return [value];
  const given = call.inputs[1] === undefined ? call.numbers("axes") : known?.values;
  if (call.inputs[1] !== undefined && (known === undefined || known.values.some((each) => typeof each !== "number"))) {
    call.fix(value, "reduces axes that only the data tell");
    return [call.opaque("is reduced over axes that only the data tell")];
  }
  const axes = (given ?? []) as number[];
  if (axes.length === 0 && call.number("noop_with_empty_axes", 0) !== 0) return [value];
  const over = axes.length === 0 ? [...Array(rank).keys()] : axes.map((axis) => axisOf(call, axis, rank));
  return [reduced(call, value, over, call.number("keepdims", 1) !== 0)];
};

/** Over all positions. */
const globalPool: Kind = (call) => {
  const value = call.input(0);
  const rank = value.shape?.length;
  if (rank === undefined) return [value];
  const labels = imageLabels(call, -1, -1, [...Array(Math.max(0, rank - 2)).keys()]);
  const over = labels.flatMap((label, at) => (label < 0 ? [] : [at]));
  return [reduced(call, value, over, true)];
};

/** The number of the extreme element of an axis depends on the order of that axis. */
const arg: Kind = (call) => {
  const value = call.input(0);
  const rank = value.shape?.length;
  if (rank === undefined) return [value];
  const axis = axisOf(call, call.number("axis", 0), rank);
  call.fix(value, `${call.operator.kind} answers with positions`, [axis]);
  return [reduced(call, value, [axis], call.number("keepdims", 1) !== 0)];
};

/** The axis keeps its order; the others are worked on one by one. */
const along = (reason: string, axisAt: (call: Call) => number | undefined): Kind => {
  return (call) => {
    const value = call.input(0);
    const rank = value.shape?.length;
    const at = axisAt(call);
    if (rank === undefined) return [value];
    if (at === undefined) {
      call.fix(value, reason);
      return [value];
    }
    const axis = axisOf(call, at, rank);
    call.fix(value, reason, [axis]);
    return [
      within(
        call,
        value,
        [...Array(rank).keys()].filter((each) => each !== axis),
      ),
    ];
  };
};

function knownAxis(call: Call): number | undefined {
  const [axis] = call.known(1)?.values ?? [];
  return typeof axis === "number" ? axis : undefined;
}

/** The k largest of an axis, and their positions. */
const topK: Kind = (call) => {
  const value = call.input(0);
  const rank = value.shape?.length;
  if (rank === undefined) return [value, value];
  const axis = axisOf(call, call.number("axis", -1), rank);
  call.fix(value, "TopK answers with positions", [axis]);
  const [k] = call.known(1)?.values ?? [];
  const labels = value.shape!.map((_, at) => `a${at}`);
  const [result] = call.relate({
    operands: [{ value, labels }],
    outputs: [labels.with(axis, "k")],
    sizes: new Map([["k", k ?? call.unknown()]]),
    ordered: new Map([["k", "TopK sorts them"]]),
  });
  return [result, result];
};

const REDUCTIONS_OF = "L1 L2 LogSum LogSumExp Max Mean Min Prod Sum SumSquare";

/** One entry for each kind. */
export const REDUCTIONS: readonly [string, Kind][] = [
  ...REDUCTIONS_OF.split(" ").map((name): [string, Kind] => [`Reduce${name}`, reduce]),
  ["GlobalAveragePool", globalPool],
  ["GlobalMaxPool", globalPool],
  ["GlobalLpPool", globalPool],
  ["ArgMax", arg],
  ["ArgMin", arg],
  ["TopK", topK],
  ["CumSum", along("CumSum adds in order", knownAxis)],
  ["CumProd", along("CumProd multiplies in order", knownAxis)],
  ["ReverseSequence", along("ReverseSequence turns it round", (call) => call.number("time_axis", 0))],
];
