/** Elements that are known before the network runs: shapes and the arithmetic on them that exporters write out. */

import type { Operator } from "../operators.ts";
import { ELEMENT_FOLDS, type Fold, type KnownElement, MOST_KNOWN, timesElements } from "./fold-elements.ts";
import type { GraphValue, Known } from "./kind.ts";
import { slicePositions } from "./selecting.ts";
import { timesSize } from "./sizes.ts";

type Inputs = readonly (Known | undefined)[];

/** The known outputs of an operator; undefined where some input it needs is not known. */
export function foldKnown(
  operator: Operator,
  inputs: Inputs,
  values: readonly (GraphValue | undefined)[],
): (Known | undefined)[] | undefined {
  const folded = tryFold(operator, inputs, values);
  const isFloat = inputs.some((known) => known?.isFloat === true);
  return folded?.map((known) =>
    known !== undefined && known.values.length <= MOST_KNOWN ? { isFloat, ...known } : undefined,
  );
}

/** Numbers that make no shape are not known: code that needs them reports the fault. */
function tryFold(operator: Operator, inputs: Inputs, values: readonly (GraphValue | undefined)[]): ReturnType<Fold> {
  try {
    return FOLDS.get(operator.kind)?.(operator, inputs, values);
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return undefined;
    throw error;
  }
}

const scalar = (value: KnownElement): Known => ({ shape: [], values: [value] });
const vector = (values: readonly KnownElement[]): Known => ({ shape: [values.length], values });

function attribute(operator: Operator, name: string, otherwise: number): number {
  const value = operator.attributes.get(name);
  return typeof value === "number" ? value : otherwise;
}

const foldShape: Fold = (operator, _, [value]) => {
  if (value?.shape === undefined) return undefined;
  const end = operator.attributes.get("end");
  return [vector(value.shape.slice(attribute(operator, "start", 0), typeof end === "number" ? end : undefined))];
};

const foldSize: Fold = (_, __, [value]) =>
  value?.shape === undefined ? undefined : [scalar(value.shape.reduce(timesSize, 1))];

const same: Fold = (_, [known]) => (known === undefined ? undefined : [known]);

/** `TensorProto.DataType`. */
const BOOL = 9;

const foldCast: Fold = (operator, [known]) => {
  if (known === undefined) return undefined;
  const to = operator.attributes.get("to");
  const isInteger = typeof to === "number" && [2, 3, 4, 5, 6, 7, 12, 13].includes(to);
  const cast = (each: KnownElement): KnownElement => {
    if (to === BOOL) return each === undefined ? undefined : Number(each !== 0);
    return isInteger && typeof each === "number" ? Math.trunc(each) : each;
  };
  return [{ ...known, values: known.values.map(cast), isFloat: !isInteger && to !== BOOL }];
};

const foldGather: Fold = (operator, [data, indices]) => {
  if (data === undefined || indices === undefined || data.shape.length !== 1 || attribute(operator, "axis", 0) > 0)
    return undefined;
  const at = (index: KnownElement): KnownElement =>
    typeof index === "number" ? data.values[index < 0 ? index + data.values.length : index] : undefined;
  return [{ shape: indices.shape, values: indices.values.map(at) }];
};

/** Elements of a shape, each chosen by its position. */
function picked(shape: readonly number[], choose: (position: readonly number[]) => KnownElement): Known | undefined {
  const count = shape.reduce((product, size) => product * size, 1);
  if (!(count <= MOST_KNOWN)) return undefined;
  const values = Array.from({ length: count }, (_, at) => {
    let rest = at;
    const position = shape.toReversed().map((size) => {
      const own = rest % size;
      rest = Math.floor(rest / size);
      return own;
    });
    return choose(position.reverse());
  });
  return { shape, values };
}

function elementOf({ shape, values }: Known, position: readonly number[]): KnownElement {
  return values[position.reduce((at, own, k) => at * shape[k]! + own, 0)];
}

const foldConcat: Fold = (operator, inputs) => {
  const rank = inputs[0]?.shape.length ?? 0;
  if (rank === 0 || inputs.some((known) => known?.shape.length !== rank)) return undefined;
  const all = inputs as readonly Known[];
  const given = attribute(operator, "axis", 0);
  const axis = given < 0 ? given + rank : given;
  const sizes = all.map(({ shape }) => shape[axis] ?? 0);
  const whole = all[0]!.shape.with(
    axis,
    sizes.reduce((sum, size) => sum + size, 0),
  );
  const choose = (position: readonly number[]): KnownElement => {
    let [which, at] = [0, position[axis]!];
    while (at >= sizes[which]!) at -= sizes[which++]!;
    return elementOf(all[which]!, position.with(axis, at));
  };
  return [picked(whole, choose)];
};

const foldTranspose: Fold = (operator, [data]) => {
  if (data === undefined) return undefined;
  const given = operator.attributes.get("perm") as readonly number[] | undefined;
  const order = given ?? data.shape.map((_, at) => data.shape.length - 1 - at);
  const choose = (position: readonly number[]): KnownElement =>
    elementOf(
      data,
      data.shape.map((_, at) => position[order.indexOf(at)]!),
    );
  return [
    picked(
      order.map((axis) => data.shape[axis] ?? 1),
      choose,
    ),
  ];
};

const foldSlice: Fold = (_, [data, starts, ends, axes, steps], values) => {
  if (data === undefined || starts === undefined || ends === undefined) return undefined;
  if ((values[3] !== undefined && axes === undefined) || (values[4] !== undefined && steps === undefined))
    return undefined;
  const positions = data.shape.map((size) => Array.from({ length: size }, (_, at) => at));
  for (const [k, start] of starts.values.entries()) {
    const [end, step, given] = [ends.values[k], steps?.values[k] ?? 1, axes?.values[k] ?? k];
    if (![start, end, step, given].every((each) => typeof each === "number") || step === 0) return undefined;
    const axis = (given as number) < 0 ? (given as number) + data.shape.length : (given as number);
    positions[axis] = slicePositions(data.shape[axis] ?? 0, start as number, end as number, step as number);
  }
  const choose = (position: readonly number[]): KnownElement =>
    elementOf(
      data,
      position.map((own, axis) => positions[axis]![own]!),
    );
  return [
    picked(
      positions.map(({ length }) => length),
      choose,
    ),
  ];
};

const foldReshape: Fold = (_, [data, shape]) => {
  if (data === undefined || shape === undefined || shape.values.some((each) => typeof each !== "number"))
    return undefined;
  const target = shape.values as number[];
  const rest = target.reduce((product, size) => (size === -1 ? product : product * size), 1);
  if (target.includes(0)) return undefined;
  return [{ shape: target.map((size) => (size === -1 ? data.values.length / rest : size)), values: data.values }];
};

const foldUnsqueeze: Fold = (operator, [data, axes]) => {
  if (data === undefined) return undefined;
  const added = axes?.values.length ?? (operator.attributes.get("axes") as readonly number[] | undefined)?.length ?? 1;
  return data.values.length === 1
    ? [{ shape: Array(data.shape.length + added).fill(1), values: data.values }]
    : undefined;
};

const foldSqueeze: Fold = (operator, [data], values) => {
  if (data === undefined || (data.values.length !== 1 && data.shape.length > 1)) return undefined;
  if (data.values.length !== 1) return undefined;
  const none = values[1] === undefined && operator.attributes.get("axes") === undefined;
  return [{ shape: none ? [] : data.shape.slice(1), values: data.values }];
};

const foldRange: Fold = (_, inputs) => {
  const [start, end, step] = inputs.map((known) => known?.values[0]);
  if (typeof start !== "number" || typeof end !== "number" || typeof step !== "number" || step === 0) return undefined;
  const count = Math.max(0, Math.ceil((end - start) / step));
  return !(count <= MOST_KNOWN) ? undefined : [vector(Array.from({ length: count }, (_, at) => start + at * step))];
};

const foldConstantOfShape: Fold = (operator, [shape]) => {
  if (shape === undefined || shape.values.some((each) => typeof each !== "number")) return undefined;
  const sizes = shape.values as number[];
  const count = sizes.reduce((product, size) => product * size, 1);
  return count > MOST_KNOWN
    ? undefined
    : [{ shape: sizes, values: Array(count).fill(attribute(operator, "value", 0)) }];
};

const foldProduct: Fold = (operator, [known]) => {
  if (known?.shape.length !== 1) return undefined;
  const product = known.values.reduce((a: KnownElement, b) => timesElements(a, b), 1);
  return [attribute(operator, "keepdims", 1) === 0 ? scalar(product) : vector([product])];
};

const foldSplit: Fold = (operator, [data, parts]) => {
  if (data?.shape.length !== 1 || parts?.values.some((each) => typeof each !== "number")) return undefined;
  const count = operator.outputs.length;
  const sizes = (parts?.values as number[] | undefined) ?? Array(count).fill(Math.ceil(data.values.length / count));
  let from = 0;
  return operator.outputs.map((_, at) => {
    const part = data.values.slice(from, from + sizes[at]!);
    from += sizes[at]!;
    return vector(part);
  });
};

const FOLDS: ReadonlyMap<string, Fold> = new Map<string, Fold>([
  ["Shape", foldShape],
  ["Size", foldSize],
  ["Identity", same],
  ["Cast", foldCast],
  ["Gather", foldGather],
  ["Concat", foldConcat],
  ["Slice", foldSlice],
  ["Transpose", foldTranspose],
  ["Split", foldSplit],
  ["Reshape", foldReshape],
  ["Unsqueeze", foldUnsqueeze],
  ["Squeeze", foldSqueeze],
  ["Range", foldRange],
  ["ConstantOfShape", foldConstantOfShape],
  ["ReduceProd", foldProduct],
  ...ELEMENT_FOLDS,
]);
