/**
 * Operators of older sets with the meaning of the newest (https://github.com/onnx/onnx/blob/main/docs/Changelog.md): where
 * attributes became inputs, defaults changed, or one operator took another's place.
 *
 * Some old operators have no newest form. They get their own names, which inference does not know:
 * `rebasin.SpatialBatchNormalization` (`spatial` 0, opset 7), `rebasin.GroupNormalizationPerGroup` (a scale per group,
 * opsets 18 to 20), `rebasin.ScanBatch` (with a batch, opset 8). Before opset 13, `Softmax`, `LogSoftmax` and `Hardmax`
 * treat all axes from `axis` on together: they have the attribute `coerced` 1.
 */

import type { AttributeValue, ConstantValue } from "../../../graph/operators.ts";

/** An operator on its way. */
export interface Draft {
  kind: string;
  readonly inputs: string[];
  readonly outputs: readonly string[];
  readonly attributes: Map<string, AttributeValue>;
}

/** Makes a constant of the graph: gives its value's name. */
export type MakeConstant = (role: string, constant: ConstantValue) => string;

type Rule = (draft: Draft, opset: number, make: MakeConstant) => void;

/** An attribute that became input `at`: the name stays that of its role. */
function toInput(draft: Draft, name: string, at: number, dtype: "int" | "float", make: MakeConstant): void {
  const value = draft.attributes.get(name);
  draft.attributes.delete(name);
  if (value === undefined) return;
  while (draft.inputs.length < at) draft.inputs.push("");
  const isList = typeof value === "object";
  const values = (isList ? value : [value]) as readonly number[];
  draft.inputs[at] = make(name, { dtype, shape: isList ? [values.length] : [], values });
}

const axesToInput =
  (before: number): Rule =>
  (draft, opset, make) => {
    if (opset < before) toInput(draft, "axes", 1, "int", make);
  };

/** Before opset 13 the axes from `axis` on are one. */
const softmax: Rule = ({ attributes }, opset) => {
  if (!attributes.has("axis")) attributes.set("axis", opset < 13 ? 1 : -1);
  if (opset < 13 && attributes.get("axis") !== -1) attributes.set("coerced", 1);
};

const asymmetric = ({ attributes }: Draft): void => {
  attributes.set("coordinate_transformation_mode", "asymmetric");
  attributes.set("nearest_mode", "floor");
};

/** Their region of interest came in as input 1. */
const withoutRegion = ({ inputs }: Draft): void => {
  inputs.splice(1, 0, "");
};

const RULES: Readonly<Record<string, Rule>> = {
  Squeeze: axesToInput(13),
  Unsqueeze: axesToInput(13),
  ReduceSum: axesToInput(13),
  ...Object.fromEntries(
    ["Mean", "Max", "Min", "Prod", "L1", "L2", "LogSum", "LogSumExp", "SumSquare"].map((what) => [
      `Reduce${what}`,
      axesToInput(18),
    ]),
  ),
  Softmax: softmax,
  LogSoftmax: softmax,
  Hardmax: softmax,
  Split(draft, opset, make) {
    if (opset < 13) toInput(draft, "split", 1, "int", make);
    if ((draft.inputs[1] ?? "") === "" && !draft.attributes.has("num_outputs"))
      draft.attributes.set("num_outputs", draft.outputs.length);
  },
  Slice(draft, opset, make) {
    if (opset >= 10) return;
    for (const [i, name] of ["starts", "ends", "axes"].entries()) toInput(draft, name, i + 1, "int", make);
  },
  Pad(draft, opset, make) {
    if (opset >= 11) return;
    toInput(draft, "pads", 1, "int", make);
    toInput(draft, "value", 2, "float", make);
  },
  Clip(draft, opset, make) {
    if (opset >= 11) return;
    toInput(draft, "min", 1, "float", make);
    toInput(draft, "max", 2, "float", make);
  },
  Dropout(draft, opset, make) {
    if (opset < 12) toInput(draft, "ratio", 1, "float", make);
  },
  TopK(draft, opset, make) {
    if (opset < 10) toInput(draft, "k", 1, "int", make);
  },
  Upsample(draft, opset, make) {
    draft.kind = "Resize";
    if (opset < 9) toInput(draft, "scales", 1, "float", make);
    withoutRegion(draft);
    asymmetric(draft);
  },
  Resize(draft, opset) {
    if (opset >= 11) return;
    withoutRegion(draft);
    asymmetric(draft);
  },
  BatchNormalization(draft, opset) {
    if (opset < 9 && draft.attributes.get("spatial") === 0) draft.kind = "rebasin.SpatialBatchNormalization";
    draft.attributes.delete("spatial");
    // Statistics among the outputs were how training was said.
    if (opset < 14 && draft.outputs.slice(1).some((output) => output !== "")) draft.attributes.set("training_mode", 1);
  },
  GroupNormalization(draft, opset) {
    if (opset < 21) draft.kind = "rebasin.GroupNormalizationPerGroup";
  },
  Scan(draft, opset) {
    if (opset < 9) draft.kind = "rebasin.ScanBatch";
  },
  Scatter(draft) {
    draft.kind = "ScatterElements";
  },
};

/** Changes an operator of ONNX' own set `opset` to what it is in the newest. */
export function normalise(draft: Draft, opset: number, make: MakeConstant): void {
  if (Object.hasOwn(RULES, draft.kind)) RULES[draft.kind]!(draft, opset, make);
}
