/** Operator graphs written in code: tensors with seeded values, constants, operators one after the other. */

import type { Rng } from "../../../src/base/rng.ts";
import type {
  AttributeValue,
  ConstantValue,
  Operator,
  OperatorGraph,
  OperatorInput,
} from "../../../src/graph/operators.ts";
import type { Tensors } from "../networks.ts";
import { gaussianArray } from "../random.ts";

type Attributes = Readonly<Record<string, AttributeValue>>;

/** Names of the two kinds of things that operators read. */
export interface GraphBuilder {
  readonly tensors: Tensors;
  input(name: string, shape: readonly (number | undefined)[]): string;
  /** A tensor of gaussian values, or with `positive` of values from 1/2 to 3/2. */
  tensor(name: string, shape: readonly number[], positive?: boolean): string;
  constant(values: readonly number[], shape?: readonly number[], dtype?: ConstantValue["dtype"]): string;
  operator(
    kind: string,
    inputs: readonly string[],
    attributes?: Attributes,
    bodies?: ReadonlyMap<string, OperatorGraph>,
  ): string;
  operators(
    kind: string,
    inputs: readonly string[],
    outputs: number,
    attributes?: Attributes,
    bodies?: ReadonlyMap<string, OperatorGraph>,
  ): string[];
  build(...outputs: readonly string[]): OperatorGraph;
  /** A body: its own operators, names that are unique with this builder's. */
  body(inputs: readonly OperatorInput[], make: (inside: GraphBuilder) => readonly string[]): OperatorGraph;
}

/** An empty graph. */
export function graphBuilder(rng: Rng, shared?: { count: number; tensors: Tensors }): GraphBuilder {
  const state = shared ?? { count: 0, tensors: new Map() };
  const inputs: OperatorInput[] = [];
  const named = new Map<string, string>();
  const constants = new Map<string, ConstantValue>();
  const list: Operator[] = [];
  const builder: GraphBuilder = {
    tensors: state.tensors,
    input(name, shape) {
      inputs.push({ name, shape });
      return name;
    },
    tensor(name, shape, positive = false) {
      const count = shape.reduce((product, size) => product * size, 1);
      const data = gaussianArray(count, rng);
      if (positive) for (let at = 0; at < count; at++) data[at] = 0.5 + rng.uniform();
      state.tensors.set(name, { shape: [...shape], data });
      named.set(name, name);
      return name;
    },
    constant(values, shape = [values.length], dtype = "int") {
      const name = `constant${state.count++}`;
      constants.set(name, { dtype, shape, values });
      return name;
    },
    operator: (kind, given, attributes, bodies) => builder.operators(kind, given, 1, attributes, bodies)[0]!,
    operators(kind, given, outputs, attributes = {}, bodies) {
      const number = state.count++;
      const names = Array.from({ length: outputs }, (_, at) => (outputs === 1 ? `v${number}` : `v${number}.${at}`));
      list.push({
        kind,
        name: `${kind}${number}`,
        inputs: given,
        outputs: names,
        attributes: new Map(Object.entries(attributes)),
        bodies,
      });
      return names;
    },
    build: (...outputs) => ({ inputs, outputs, tensors: named, constants, operators: list }),
    body(own, make) {
      const inside = graphBuilder(rng, state);
      for (const { name, shape } of own) inside.input(name, shape ?? []);
      return inside.build(...make(inside));
    },
  };
  return builder;
}
