/** Where in a file's graph the units of each permutation show. */

import type { ResolvedAxis, ResolvedSpec } from "../axes/types.ts";
import { ELEMENTWISE } from "../graph/kinds/elementwise.ts";
import { POOLS } from "../graph/kinds/pooling.ts";
import { REDUCTIONS } from "../graph/kinds/reductions.ts";
import { SHAPES } from "../graph/kinds/shaping.ts";
import type { Operator, OperatorGraph } from "../graph/operators.ts";
import type { Digit } from "./axis-values.ts";
import type { ChannelAxis } from "./network-draft.ts";
import type { Reading } from "./reading.ts";
import type { Tap } from "./taps.ts";

/** What taps are found in. */
export interface TappedGraph {
  readonly reading: Reading;
  readonly graph: OperatorGraph;
  /** Where values have their channels; the last axis where they are not listed. */
  readonly axes: ReadonlyMap<string, ChannelAxis>;
  /** Those that can be asked for. */
  readonly values: ReadonlySet<string>;
}

/** Operators that only move or pool values: what they read is what shows. */
const MOVING: ReadonlySet<string> = new Set([
  ...[...POOLS, ...REDUCTIONS, ...SHAPES].map(([kind]) => kind),
  ...["Concat", "Slice", "Split", "Gather", "Pad"],
]);
/** Operators that keep the units of what they read. */
const PASSING: ReadonlySet<string> = new Set([
  ...ELEMENTWISE.map(([kind]) => kind),
  ...["BatchNormalization", "InstanceNormalization", "GroupNormalization", "LayerNormalization", "RMSNormalization"],
  ...["SimplifiedLayerNormalization", "MeanVarianceNormalization", "LpNormalization", "LRN"],
]);

/**
 * The values that matrices, kernels and the like read, by permutation: before pools and reshapes, behind norms, sums
 * and activations. A permutation whose units show nowhere by themselves has none.
 */
export function operatorTaps(tapped: TappedGraph, resolved: ResolvedSpec): Map<string, readonly Tap[]> {
  const { graph, values } = tapped;
  const taps = new Map<string, Tap[]>(resolved.permutations.map(({ name }) => [name, []]));
  const slots = slotsOf(tapped, resolved);
  const read = readValues(graph);
  for (const { outputs } of graph.operators)
    for (const value of outputs) {
      if (!read.has(value) || !values.has(value)) continue;
      const found = unitsOf(tapped, slots, resolved, value);
      if (found !== undefined) taps.get(found.name)!.push({ value, block: found.block });
    }
  return taps;
}

/** What operators with sums over units read, traced back to where it was made. */
function readValues({ operators }: OperatorGraph): Set<string> {
  const makers = new Map<string, Operator>();
  const read = new Set<string>();
  const trace = (value: string): void => {
    const maker = makers.get(value);
    if (maker === undefined || read.has(value)) return;
    read.add(value);
    if (!MOVING.has(maker.kind)) return;
    read.delete(value);
    for (const input of maker.inputs) trace(input);
  };
  const look = (operator: Operator): void => {
    for (const value of operator.outputs) if (value !== "") makers.set(value, operator);
    if (!MOVING.has(operator.kind) && !PASSING.has(operator.kind)) operator.inputs.forEach(trace);
    for (const body of operator.bodies?.values() ?? []) body.operators.forEach(look);
  };
  operators.forEach(look);
  return read;
}

/** A slot of a permutation. */
interface Slot {
  readonly permutation: number;
  readonly at: number;
}

/** By unit: the slot that the spec gives it; units that it gives two are left out. */
function slotsOf({ reading }: Pick<TappedGraph, "reading">, { tensors }: ResolvedSpec): Map<number, Slot> {
  const slots = new Map<number, Slot>();
  const torn = new Set<number>();
  for (const { name, axes } of tensors) {
    const value = reading.tensors.get(name);
    for (const [k, axis] of axes.entries()) {
      const units = value?.axes?.[k]?.[0]?.bundle?.units;
      if (units === undefined) continue;
      for (const [position, slot] of slotsOfAxis(axis)) {
        const unit = reading.units.find(units[position]!);
        const before = slots.get(unit);
        if (before !== undefined && (before.permutation !== slot.permutation || before.at !== slot.at)) torn.add(unit);
        slots.set(unit, slot);
      }
    }
  }
  for (const unit of torn) slots.delete(unit);
  return slots;
}

/** Of segments `P` and `P*k`; what is nested shows nowhere by itself. */
function* slotsOfAxis({ segments }: ResolvedAxis): Generator<[number, Slot]> {
  for (const { offset, length, factors } of segments) {
    const [first, ...inner] = factors.filter(({ size }) => size > 1);
    if (first === undefined || first.permutation < 0 || first.within !== undefined) continue;
    if (inner.some(({ permutation }) => permutation >= 0) || first.size * first.stride !== length) continue;
    const { permutation, stride } = first;
    for (let at = 0; at < length; at++) yield [offset + at, { permutation, at: Math.floor(at / stride) }];
  }
}

/** The permutation that numbers the channels of a value, and how many channels a unit has. */
function unitsOf(
  { reading, axes }: TappedGraph,
  slots: ReadonlyMap<number, Slot>,
  { permutations }: ResolvedSpec,
  value: string,
): { readonly name: string; readonly block: number } | undefined {
  const found = reading.values.get(value);
  const digits = found?.axes?.at(axes.get(value) ?? -1);
  const units = digits === undefined ? undefined : wholeBundle(digits);
  const first = units && slots.get(reading.units.find(units[0]!));
  if (units === undefined || first === undefined) return undefined;
  const { name, size } = permutations[first.permutation]!;
  const block = units.length / size;
  const isInOrder = units.every((unit, i) => {
    const slot = slots.get(reading.units.find(unit));
    return slot?.permutation === first.permutation && slot.at === Math.floor(i / block);
  });
  return Number.isInteger(block) && isInOrder ? { name, block } : undefined;
}

/** The units of an axis that is one bundle, each once and in order. */
function wholeBundle([digit, ...others]: readonly Digit[]): Int32Array | undefined {
  if (digit?.bundle === undefined || others.length > 0) return undefined;
  return digit.stride === 1 && digit.size === digit.bundle.units.length ? digit.bundle.units : undefined;
}
