/**
 * Draws the conclusions of one operator as index arithmetic (`Relation`). Every operand's axes are cut into digits that
 * all operands agree on. Then, for any two bundles, the digits that they share must move alike: these digits' units, or
 * blocks of units, are made one. What an output keeps of a bundle is its projection on the output's digits.
 */

import { SpecError } from "../base/errors.ts";
import { labelList } from "../graph/kinds/elementwise.ts";
import type { Labels, Relation } from "../graph/kinds/kind.ts";
import { dividedSize, productSize, type Size } from "../graph/kinds/sizes.ts";
import {
  type AxisValue,
  axisValue,
  type Bundle,
  type BundleDigit,
  bundleDigits,
  type Digit,
  fixedDigit,
  isBundled,
  project,
  regroup,
} from "./axis-values.ts";
import { fixDigits, materialise } from "./move-axes.ts";
import { type Piece, refinePieces } from "./refine-pieces.ts";
import { MAX_UNITS, type Units } from "./units.ts";

/** A bundle of an operand, with the labels of its digits. */
interface Entry {
  readonly bundle: Bundle;
  readonly labels: readonly string[];
  readonly digits: readonly BundleDigit[];
}

/** What is known of the digits of all operands. */
interface Space {
  readonly units: Units;
  /** Labels of digits for a label of the relation, the slowest first. */
  readonly parts: ReadonlyMap<string, readonly string[]>;
  readonly sizes: ReadonlyMap<string, Size>;
  /** Causes by the label of a digit that is fixed. */
  readonly fixed: Map<string, number>;
  readonly entries: readonly Entry[];
}

/** The outputs of a relation; `operator` names it in causes and messages. */
export function relateValues(units: Units, operator: string, relation: Relation): AxisValue[] {
  const space = createSpace(units, operator, relation);
  for (const [label, cause] of space.fixed) fixLabel(space, label, cause);
  const { entries } = space;
  for (const [at, first] of entries.entries()) for (const second of entries.slice(at + 1)) meet(units, first, second);
  for (const inside of relation.inside ?? []) {
    const labels = new Set(inside.flatMap((label) => space.parts.get(label) ?? []));
    for (const entry of entries)
      if (!entry.labels.every((label) => labels.has(label))) restricted(units, entry, labels);
  }
  return relation.outputs.map((labels) => outputOf(space, labels));
}

function createSpace(units: Units, operator: string, relation: Relation): Space {
  const sizes = new Map<string, Size>(relation.sizes);
  const pieces = relation.operands.flatMap(({ value, labels }, operand) =>
    cutOperand({ units, operator, value: value as AxisValue, labels, sizes, operand }),
  );
  const fixed = new Map<string, number>();
  const parts = new Map<string, string[]>();
  const partSizes = new Map<string, Size>();
  for (const label of new Set([...pieces.map((piece) => piece.label), ...sizes.keys()])) {
    const own = pieces.filter((piece) => piece.label === label);
    const cut = own.length === 0 ? [sizes.get(label)!] : refinePieces(units, operator, own);
    const names = cut.map((_, at) => `${label}#${at}`);
    parts.set(label, cut.length === 1 && cut[0] === 1 ? [] : names);
    for (const [at, size] of cut.entries()) partSizes.set(names[at]!, size);
  }
  for (const { label, digits } of pieces)
    for (const [at, digit] of digits.entries())
      if (digit.bundle === undefined && digit.cause >= 0) setOnce(fixed, `${label}#${at}`, digit.cause);
  for (const [label, reason] of relation.ordered ?? [])
    for (const part of parts.get(label) ?? []) setOnce(fixed, part, units.cause(operator, reason));
  return { units, parts, sizes: partSizes, fixed, entries: entriesOf(units, operator, pieces) };
}

function setOnce(map: Map<string, number>, key: string, value: number): void {
  if (!map.has(key)) map.set(key, value);
}

interface Cut {
  readonly units: Units;
  readonly operator: string;
  readonly value: AxisValue;
  readonly labels: readonly Labels[];
  readonly sizes: Map<string, Size>;
  readonly operand: number;
}

/** The digits of each label of an operand; axes of size 1 have none. Sizes of labels are noted as they are met. */
function cutOperand({ units, operator, value, labels, sizes, operand }: Cut): Piece[] {
  if (value.axes === undefined || value.axes.length !== labels.length)
    throw new SpecError(`${operator} is given a value of rank ${value.axes?.length}, expected ${labels.length}`);
  let current = value;
  const pieces: Piece[] = [];
  for (const [at, axis] of labels.entries()) {
    const list = labelList(axis);
    const size = current.shape![at]!;
    if (size === 1) continue;
    if (list.length === 1) {
      pieces.push({ operand, label: list[0]!, digits: current.axes![at]! });
      continue;
    }
    const want = list.map((label) => sizes.get(label)!);
    const [only, ...more] = current.axes![at]!;
    if (typeof size === "string" && more.length === 0 && !isBundled(only!)) {
      for (const [i, label] of list.entries())
        if (want[i] !== 1) pieces.push({ operand, label, digits: [fixedDigit(want[i]!, only!.cause)] });
      continue;
    }
    let cut = dividedSize(size, productSize(want)) === 1 ? regroup(current.axes![at]!, want) : undefined;
    if (cut === undefined) {
      current = materialise(units, current, at, units.cause(operator, "cuts an axis of unknown size"));
      cut = regroup(current.axes![at]!, want);
    }
    if (cut === undefined)
      throw new SpecError(`${operator} is given an axis of ${size}, expected ${want.join(" times ")}`);
    for (const [i, digits] of cut.entries()) if (digits.length > 0) pieces.push({ operand, label: list[i]!, digits });
  }
  return pieces;
}

/** The bundles of every operand. A label that is there twice in one bundle is fixed: its diagonal is read. */
function entriesOf(units: Units, operator: string, pieces: readonly Piece[]): Entry[] {
  const entries: { operand: number; bundle: Bundle; labels: string[]; digits: BundleDigit[] }[] = [];
  for (const { operand, label, digits } of pieces) {
    for (const [at, digit] of digits.entries()) {
      if (!isBundled(digit)) continue;
      const known = entries.find((each) => each.operand === operand && each.bundle === digit.bundle);
      const entry = known ?? { operand, bundle: digit.bundle, labels: [], digits: [] };
      if (known === undefined) entries.push(entry);
      const name = `${label}#${at}`;
      if (entry.labels.includes(name)) units.fix(digit.bundle.units, units.cause(operator, "reads a diagonal"));
      entry.labels.push(name);
      entry.digits.push(digit);
    }
  }
  return entries;
}

function fixLabel({ units, entries }: Space, label: string, cause: number): void {
  for (const entry of entries)
    if (entry.labels.includes(label)) units.fix(restricted(units, entry, new Set([label]))!, cause);
}

/** Units of an entry by those of its digits that `labels` hold, in the entry's order; undefined for none. */
function restricted(units: Units, entry: Entry, labels: ReadonlySet<string>): Int32Array | undefined {
  const digits = entry.digits.filter((_, at) => labels.has(entry.labels[at]!));
  return digits.length === 0 ? undefined : project(units, entry.bundle, digits);
}

/** Digits that two bundles share move alike. */
function meet(units: Units, first: Entry, second: Entry): void {
  const shared = first.labels.filter((label) => second.labels.includes(label));
  if (shared.length === 0 || (first.bundle === second.bundle && shared.every((label) => same(first, second, label))))
    return;
  const one = project(
    units,
    first.bundle,
    shared.map((label) => digitOf(first, label)),
  );
  units.union(
    one,
    project(
      units,
      second.bundle,
      shared.map((label) => digitOf(second, label)),
    ),
  );
}

function digitOf({ labels, digits }: Entry, label: string): BundleDigit {
  return digits[labels.indexOf(label)]!;
}

function same(first: Entry, second: Entry, label: string): boolean {
  const [a, b] = [digitOf(first, label), digitOf(second, label)];
  return a.stride === b.stride && a.size === b.size;
}

/** What an output has of a bundle. */
interface Candidate {
  readonly labels: readonly string[];
  readonly digits: readonly BundleDigit[];
}

function outputOf(space: Space, labels: readonly Labels[]): AxisValue {
  const parts = labels.map((axis) => labelList(axis).flatMap((label) => space.parts.get(label) ?? []));
  const wanted = new Set(parts.flat());
  const candidates = space.entries.flatMap((entry): Candidate[] => keptBy(space.units, entry, wanted));
  const digits = new Map<string, Digit>();
  for (const group of overlapping(candidates)) {
    const bundled =
      space.fixed.size > 0 && group.labels.every((label) => space.fixed.has(label))
        ? undefined
        : joinedDigits(space, group);
    for (const [at, label] of group.labels.entries()) if (bundled !== undefined) digits.set(label, bundled[at]!);
  }
  const digitFor = (label: string): Digit =>
    digits.get(label) ?? fixedDigit(space.sizes.get(label)!, space.fixed.get(label) ?? -1);
  return axisValue(parts.map((axis) => axis.map(digitFor)));
}

function keptBy(units: Units, entry: Entry, wanted: ReadonlySet<string>): Candidate[] {
  const labels = entry.labels.filter((label) => wanted.has(label));
  if (labels.length === 0) return [];
  if (labels.length === entry.labels.length) return [entry];
  const made = restricted(units, entry, wanted)!;
  return [
    {
      labels,
      digits: bundleDigits(
        made,
        labels.map((label) => digitOf(entry, label).size),
      ),
    },
  ];
}

interface Group {
  readonly labels: string[];
  readonly members: Candidate[];
}

/** Candidates that share labels, directly or through others. */
function overlapping(candidates: readonly Candidate[]): Group[] {
  let groups: Group[] = [];
  for (const candidate of candidates) {
    const touched = groups.filter((group) => candidate.labels.some((label) => group.labels.includes(label)));
    const labels = [...new Set([...touched.flatMap((group) => group.labels), ...candidate.labels])];
    const members = [...touched.flatMap((group) => group.members), candidate];
    groups = [...groups.filter((group) => !touched.includes(group)), { labels, members }];
  }
  return groups;
}

/** Digits by the group's labels: those of a member that has all, or new units that belong to each member's. */
function joinedDigits({ units, sizes, fixed }: Space, { labels, members }: Group): Digit[] {
  const whole = members.find((member) => member.labels.length === labels.length);
  if (whole !== undefined) return labels.map((label) => whole.digits[whole.labels.indexOf(label)]!);
  const counts = labels.map((label) => sizes.get(label) as number);
  const total = counts.reduce((product, size) => product * size, 1);
  if (units.count + total > MAX_UNITS) {
    const cause = units.cause("this graph", `has an axis of ${total} units, more than inference follows`);
    for (const { digits } of members) fixDigits(units, digits, cause);
    return labels.map((label, at) => fixedDigit(counts[at]!, fixed.get(label) ?? cause));
  }
  const made = bundleDigits(units.fresh(total), counts);
  for (const member of members) {
    const own = project(units, member.digits[0]!.bundle, member.digits);
    const within = member.labels.map((label) => made[labels.indexOf(label)]!);
    const parent = new Int32Array(total);
    for (let at = 0; at < total; at++) {
      let number = 0;
      for (const { size, stride } of within) number = number * size + (Math.floor(at / stride) % size);
      parent[at] = own[number]!;
    }
    units.relate(made[0]!.bundle.units, parent);
  }
  return made;
}
