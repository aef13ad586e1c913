/** Random networks from the supported operators: small, seeded, with every tensor read. */

import type { Rng } from "../../../src/base/rng.ts";
import type { OperatorGraph } from "../../../src/graph/operators.ts";
import type { Tensors } from "../networks.ts";
import { type GraphBuilder, graphBuilder } from "./graph-builder.ts";
import { IMAGE_PARTS } from "./random-image-parts.ts";
import { ROW_PARTS } from "./random-row-parts.ts";
import { SEQUENCE_PARTS } from "./random-sequence-parts.ts";

/** A value of the network so far. */
export interface Made {
  readonly name: string;
  readonly shape: readonly number[];
}

/** What parts add to. */
export interface Growing {
  readonly b: GraphBuilder;
  readonly rng: Rng;
  /** All values that later parts may read. */
  readonly values: Made[];
  /** A fresh name for a module. */
  module(): string;
  /** A size of an axis. */
  size(): number;
  pick<T>(list: readonly T[]): T;
}

/** Adds operators to a network: a new value made from this one, or undefined where it does not fit. */
export type RandomPart = (growing: Growing, value: Made) => Made | undefined;

/** A network and what it is run on. */
export interface RandomGraph {
  readonly graph: OperatorGraph;
  readonly tensors: Tensors;
  readonly input: readonly number[];
  /** The parts that it is made of. */
  readonly parts: readonly string[];
}

const BATCH = 3;

/** A network of up to `most` parts on rows, sequences or images. */
export function randomGraph(rng: Rng, most = 6): RandomGraph {
  const b = graphBuilder(rng);
  let modules = 0;
  const pick = <T>(list: readonly T[]): T => list[rng.below(list.length)]!;
  const input = pick([
    [BATCH, 4 + rng.below(3)],
    [BATCH, 3, 3 + rng.below(3)],
    [BATCH, 2 + rng.below(2), 6, 6],
  ]);
  const values: Made[] = [{ name: b.input("x", input), shape: input }];
  const growing: Growing = { b, rng, values, module: () => `m${modules++}`, size: () => pick([4, 6, 6, 8, 12]), pick };
  const parts: string[] = [];
  for (let count = 2 + rng.below(most - 1), tries = 0; count > 0 && tries < 100; tries++) {
    const value = rng.below(4) === 0 ? pick(values) : values.at(-1)!;
    const [name, part] = pick(partsFor(value));
    const made = part(growing, value);
    if (made === undefined) continue;
    if (made.shape.some((size) => size > 12 * 12)) continue;
    values.push(made);
    parts.push(name);
    count--;
  }
  const output = classify(growing, values.at(-1)!);
  return { graph: b.build(output.name), tensors: b.tensors, input, parts };
}

function partsFor({ shape }: Made): readonly (readonly [string, RandomPart])[] {
  return shape.length === 2 ? ROW_PARTS : shape.length === 3 ? SEQUENCE_PARTS : IMAGE_PARTS;
}

/** Logits of the last value: flattened, or averaged over positions. */
function classify({ b, rng, module }: Growing, { name, shape }: Made): Made {
  const name1 = module();
  let rows = name;
  let width = shape[1]!;
  if (shape.length > 2 && rng.below(2) === 0) {
    rows = b.operator("Flatten", [name]);
    width = shape.slice(1).reduce((product, size) => product * size, 1);
  } else if (shape.length === 3) {
    rows = b.operator("ReduceMean", [name, b.constant([1])], { keepdims: 0 });
    width = shape[2]!;
  } else if (shape.length === 4) rows = b.operator("Flatten", [b.operator("GlobalAveragePool", [name])]);
  const weight = b.tensor(`${name1}.weight`, [3, width]);
  const logits = b.operator("Gemm", [rows, weight, b.tensor(`${name1}.bias`, [3])], { transB: 1 });
  return { name: logits, shape: [shape[0]!, 3] };
}
