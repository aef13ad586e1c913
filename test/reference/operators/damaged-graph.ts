/** Graphs damaged at random: inputs of other operators, other kinds, other numbers, things left out. */

import type { Rng } from "../../../src/base/rng.ts";
import { KINDS } from "../../../src/graph/kinds/kinds.ts";
import type { AttributeValue, ConstantValue, Operator, OperatorGraph } from "../../../src/graph/operators.ts";

const NUMBERS = [-1000, -2, -1, 0, 1, 2, 3, 7, 1e6, 2 ** 31, 2 ** 53, 0.5, Number.NaN];
const KIND_NAMES = [...KINDS.keys(), "Unheard", ""];

/** The graph with one to four faults. */
export function damagedGraph(graph: OperatorGraph, rng: Rng): OperatorGraph {
  let damaged = graph;
  for (let faults = 1 + rng.below(4); faults > 0; faults--) damaged = damage(damaged, rng);
  return damaged;
}

function damage(graph: OperatorGraph, rng: Rng): OperatorGraph {
  const pick = <T>(list: readonly T[]): T => list[rng.below(list.length)]!;
  if (graph.operators.length === 0) return graph;
  const at = rng.below(graph.operators.length);
  const operator = graph.operators[at]!;
  const values = [
    ...graph.tensors.keys(),
    ...graph.constants.keys(),
    ...graph.operators.flatMap(({ outputs }) => outputs),
    "x",
    "",
    "nothing",
  ];
  const withOperator = (changed: Partial<Operator>): OperatorGraph => ({
    ...graph,
    operators: graph.operators.with(at, { ...operator, ...changed }),
  });
  switch (rng.below(8)) {
    case 0: {
      const inputs = [...operator.inputs];
      inputs[rng.below(inputs.length + 1)] = pick(values);
      return withOperator({ inputs });
    }
    case 1:
      return withOperator({ kind: pick(KIND_NAMES) });
    case 2:
      return withOperator({ attributes: otherAttributes(operator.attributes, rng) });
    case 3:
      return { ...graph, constants: otherConstants(graph.constants, rng) };
    case 4:
      return { ...graph, operators: graph.operators.toSpliced(at, 1) };
    case 5:
      return withOperator({ inputs: operator.inputs.slice(0, rng.below(operator.inputs.length + 1)) });
    case 6:
      return {
        ...graph,
        operators: graph.operators.toSpliced(at, 1).toSpliced(rng.below(graph.operators.length), 0, operator),
      };
    default:
      return {
        ...graph,
        inputs: graph.inputs.map(({ name }) => ({
          name,
          shape: pick([undefined, [], [undefined, undefined], [0, 3], [2, 3, 4, 5], [1e9, 1e9, 1e9]]),
        })),
      };
  }
}

function otherAttributes(attributes: ReadonlyMap<string, AttributeValue>, rng: Rng): Map<string, AttributeValue> {
  const pick = <T>(list: readonly T[]): T => list[rng.below(list.length)]!;
  const changed = new Map(attributes);
  const names = [
    "axis",
    "axes",
    "perm",
    "group",
    "strides",
    "pads",
    "num_groups",
    "equation",
    "keepdims",
    "hidden_size",
    "blocksize",
    "layout",
    "filter",
    "direction",
    ...attributes.keys(),
  ];
  const value: AttributeValue = pick<AttributeValue>([
    pick(NUMBERS),
    [pick(NUMBERS)],
    [pick(NUMBERS), pick(NUMBERS)],
    "nhwc",
    "hwim",
    "ij,jk->ik",
    "...,...->",
    ["a"],
    [],
  ]);
  return changed.set(pick(names), value);
}

function otherConstants(constants: ReadonlyMap<string, ConstantValue>, rng: Rng): Map<string, ConstantValue> {
  const changed = new Map(constants);
  const names = [...constants.keys()];
  if (names.length === 0) return changed;
  const name = names[rng.below(names.length)]!;
  const { dtype, shape, values } = constants.get(name)!;
  const others = values.map((value) => (rng.below(2) === 0 ? NUMBERS[rng.below(NUMBERS.length)]! : value));
  return changed.set(name, { dtype, shape: rng.below(3) === 0 ? [2, 3] : shape, values: others });
}
