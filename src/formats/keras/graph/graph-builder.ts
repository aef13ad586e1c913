/** Puts an operator graph together, value by value: for importers of frameworks whose files name layers or nodes. */

import type {
  AttributeValue,
  ConstantValue,
  Operator,
  OperatorGraph,
  OperatorInput,
} from "../../../graph/operators.ts";

/** OperatorAttributes; those that are undefined are left out. */
export type OperatorAttributes = Readonly<Record<string, AttributeValue | undefined>>;

/** Values are names; "" is an input that is left out. */
export class OperatorBuilder {
  readonly #tensors = new Map<string, string>();
  readonly #constants = new Map<string, ConstantValue>();
  readonly #operators: Operator[] = [];
  readonly #inputs: OperatorInput[] = [];
  readonly #used = new Map<string, number>();
  readonly #ranks = new Map<string, number>();

  /** A name that no value has yet. */
  #fresh(name: string): string {
    const count = this.#used.get(name) ?? 0;
    this.#used.set(name, count + 1);
    // Names of files have no such end.
    return count === 0 ? name : `${name}#${count}`;
  }

  /** A value that the caller gives the network. */
  input(name: string, shape: readonly (number | undefined)[] | undefined, dtype?: string): string {
    const value = this.#fresh(name);
    this.#inputs.push({ name: value, dtype, shape });
    if (shape !== undefined) this.#ranks.set(value, shape.length);
    return value;
  }

  /** The value that is a tensor of the model; its rank, where the caller knows it. */
  tensor(name: string, rank?: number): string {
    const value = `tensor ${name}`;
    if (rank !== undefined) this.#ranks.set(value, rank);
    this.#tensors.set(value, name);
    return value;
  }

  /** A constant of whole numbers, or one float. */
  constant(values: readonly number[] | number, dtype: ConstantValue["dtype"] = "int"): string {
    const value = this.#fresh("constant");
    const list = typeof values === "number" ? [values] : values;
    this.#constants.set(value, { dtype, shape: typeof values === "number" ? [] : [list.length], values: list });
    return value;
  }

  /** Gives a value that is there known elements. */
  known(value: string, constant: ConstantValue): void {
    this.#constants.set(value, constant);
  }

  /**
   * Adds an operator and gives its first output. `rank` is the output's: undefined where it is not known, and without
   * it that of the first input.
   */
  op(
    kind: string,
    name: string,
    inputs: readonly string[],
    attributes: OperatorAttributes = {},
    ...rank: readonly [(number | undefined)?]
  ): string {
    return this.ops(kind, name, inputs, 1, attributes, ...rank)[0]!;
  }

  /** Adds an operator of several outputs. */
  ops(
    kind: string,
    name: string,
    inputs: readonly string[],
    count: number,
    attributes: OperatorAttributes = {},
    ...given: readonly [(number | undefined)?]
  ): string[] {
    const rank = given.length === 0 ? this.rank(inputs[0]) : given[0];
    const outputs = Array.from({ length: count }, () => this.#fresh(name));
    const known = Object.entries(attributes).filter(([, value]) => value !== undefined) as [string, AttributeValue][];
    this.#operators.push({ kind, name, inputs, outputs, attributes: new Map(known) });
    if (rank !== undefined) for (const output of outputs) this.#ranks.set(output, rank);
    return outputs;
  }

  /** How many axes a value has; undefined where that is not known. */
  rank(value: string | undefined): number | undefined {
    return value === undefined ? undefined : this.#ranks.get(value);
  }

  graph(outputs: readonly string[], producer: string | undefined): OperatorGraph {
    return {
      inputs: this.#inputs,
      outputs,
      tensors: this.#tensors,
      constants: this.#constants,
      operators: this.#operators,
      producer: producer || undefined,
    };
  }
}
