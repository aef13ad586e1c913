/** Branches and loops: what a branch or a step makes meets what others make in its place. */

import { SpecError } from "../../base/errors.ts";
import type { Call, GraphValue, Kind } from "./kind.ts";
import { axisOf } from "./normalisation.ts";
import type { Size } from "./sizes.ts";

const branch: Kind = (call) => {
  call.fix(call.input(0), "decides which branch runs");
  const decided = call.decided();
  if (decided !== undefined) return call.body(decided, []);
  const bodies = ["then_branch", "else_branch"];
  const [yes, no] = bodies.map((name) => call.body(name, [])) as [GraphValue[], GraphValue[]];
  if (yes.length !== no.length)
    throw new SpecError(
      `${call.operator.name} has branches of ${yes.length} and ${no.length} outputs, expected as many`,
    );
  if (!yes.every((value, at) => isLike(value, no[at]!)) && call.decide(bodies)) return yes;
  return yes.map((value, at) => call.either([value, no[at]!]));
};

/** True for values that can take one another's place: as many axes, of the same sizes where these are known. */
function isLike({ shape: a }: GraphValue, { shape: b }: GraphValue): boolean {
  if (a === undefined || b === undefined || a.length !== b.length) return false;
  return a.every((size, at) => size === b[at] || (typeof size === "string" && typeof b[at] === "string"));
}

/** Trip count, condition, first values; the body is given a step, the condition, the values. */
const loop: Kind = (call) => {
  for (const at of [0, 1])
    if (call.inputs[at] !== undefined) call.fix(call.input(at), "decides how often the loop runs");
  const first = call.inputs.slice(2).map((_, at) => call.input(at + 2));
  const scalar = call.fixed([], "counts steps");
  const made = call.body("body", [scalar, scalar, ...first]).slice(1);
  const carried = first.map((value, at) => call.either([value, made[at]!]));
  return [...carried, ...made.slice(first.length).map((value) => stacked(call, value, 0))];
};

/** States, then sequences that the body is given slice by slice; it makes states, then slices. */
const scan: Kind = (call) => {
  const sequences = call.number("num_scan_inputs", 0);
  const states = call.inputs.length - sequences;
  const [into, out] = [call.numbers("scan_input_axes"), call.numbers("scan_output_axes")];
  const first = Array.from({ length: states }, (_, at) => call.input(at));
  const slices = Array.from({ length: sequences }, (_, at) => sliceOf(call, call.input(states + at), into?.[at] ?? 0));
  const made = call.body("body", [...first, ...slices]);
  return [
    ...first.map((value, at) => call.either([value, made[at]!])),
    ...made.slice(states).map((value, at) => stacked(call, value, out?.[at] ?? 0)),
  ];
};

/** One step of a sequence. */
function sliceOf(call: Call, value: GraphValue, at: number): GraphValue {
  if (value.shape === undefined) return value;
  const axis = axisOf(call, at, value.shape.length);
  call.fix(value, "is run through step by step", [axis]);
  const labels = value.shape.map((_, k) => `a${k}`);
  return call.relate({ operands: [{ value, labels }], outputs: [labels.toSpliced(axis, 1)] })[0]!;
}

/** Slices of all steps, side by side on a new axis. */
function stacked(call: Call, value: GraphValue, at: number): GraphValue {
  if (value.shape === undefined) return value;
  const axis = axisOf(call, at, value.shape.length + 1);
  const labels = value.shape.map((_, k) => `a${k}`);
  return call.relate({
    operands: [{ value, labels }],
    outputs: [labels.toSpliced(axis, 0, "steps")],
    sizes: new Map<string, Size>([["steps", call.unknown()]]),
    ordered: new Map([["steps", "steps keep their order"]]),
  })[0]!;
}

/** One entry for each kind. */
export const CONTROL: readonly [string, Kind][] = [
  ["If", branch],
  ["Loop", loop],
  ["Scan", scan],
];
