/**
 * Families as tables: patterns of tensor names → axes. A table states every tensor that a model of the family can have.
 * A tensor that no row knows is an error, and so is a row that only some of the layers have.
 *
 * A pattern is a name with marks. `{L}` is a number (a layer, an expert), `[x]` is x or nothing, and `(x|y)` is one of
 * them. A `?` at the end marks a tensor that models may lack. The same variables are in the axes: `F{L}` is a separate
 * permutation in every layer.
 */

import { axisNames, parseAxis } from "../../axes/axis-text.ts";
import type { NestedPermutation, Spec, TensorSpec, UnitRole } from "../../axes/types.ts";
import { describeTensor, listFirst } from "../../base/compare-tensors.ts";
import { SpecError } from "../../base/errors.ts";
import type { CheckpointFacts } from "./checkpoint.ts";
import { compilePattern } from "./pattern.ts";

/** A family of networks whose names and shapes are known. */
export interface Table {
  /** Of the family. */
  readonly name: string;
  /**
   * Patterns, every one of which some tensor of a model of the family has: what distinguishes it from all other
   * families.
   */
  readonly signs: readonly string[];
  /** Patterns that no tensor of such a model has. */
  readonly without?: readonly string[] | undefined;
  /**
   * What it holds. Reads what the rows depend on (such as heads) from `checkpoint`, which refuses what it cannot know.
   */
  readonly layout: (checkpoint: CheckpointFacts) => TableLayout;
}

/** The tensors of one model. */
export interface TableLayout {
  /** Its permutations by name, with variables. */
  readonly permutations: Readonly<Record<string, PermutationRow>>;
  readonly tensors: Readonly<Record<string, TensorRow>>;
  /** What it is: `12 layers of 12 heads of 64`. */
  readonly why: string;
  /** The table's assumptions, which no file shows, one line each. */
  readonly assumptions?: readonly string[] | undefined;
  /** Symmetries that it leaves as they are. */
  readonly frozen?: readonly string[] | undefined;
}

/** What a permutation is for, and what it is nested in. */
export interface PermutationRow {
  readonly role: UnitRole;
  /** A permutation with the same variables, or fewer, and the units of a block. */
  readonly in?: readonly [outer: string, inner: number] | undefined;
}

/**
 * Axes as text, one for each axis of the tensor. `"fixed"`: nothing of it moves, and it does not vote (position
 * numbers, masks). `slice`: the permutation that exchanges these tensors as wholes; its slot is the variable `at`
 * (`E`).
 */
export type TensorRow =
  | readonly string[]
  | "fixed"
  | { readonly axes: readonly string[]; readonly slice: string; readonly at: string };

/** A row that is ready to be compared with names. */
interface Pattern {
  readonly text: string;
  readonly regex: RegExp;
  readonly variables: readonly string[];
  readonly optional: boolean;
  readonly row: TensorRow;
}

/** True when each sign is a tensor's name, and none of `without` is. */
export function hasSigns({ signs, without = [] }: Table, names: readonly string[]): boolean {
  const some = (pattern: string): boolean => {
    const { regex } = compilePattern(pattern);
    return names.some((name) => regex.test(name));
  };
  return signs.every(some) && !without.some(some);
}

/**
 * The spec of a model by its family's table. Throws `SpecError` for tensors that the table does not know or that are
 * missing.
 */
export function specByTable(table: Table, checkpoint: CheckpointFacts): Spec {
  const { permutations, tensors, why, assumptions = [], frozen = [] } = table.layout(checkpoint);
  const patterns = Object.entries(tensors).map(([text, row]): Pattern => ({ text, row, ...compilePattern(text) }));
  const listed = new Map<string, TensorSpec>();
  const met: Met = new Map();
  const unknown: string[] = [];
  for (const [name, info] of checkpoint.tensors) {
    const found = findRow(patterns, name);
    if (found === undefined) {
      unknown.push(name);
      continue;
    }
    const { pattern, values } = found;
    noteMet(met, pattern, values, name);
    listed.set(name, tensorSpec(pattern, values, name, info.shape.length));
    if (listed.get(name)!.axes.length !== info.shape.length)
      throw new SpecError(
        `${name} is ${describeTensor(info)}, expected ${listed.get(name)!.axes.length} axes as ${table.name} has`,
      );
  }
  if (unknown.length > 0)
    throw new SpecError(
      `model looks like ${table.name}, whose table lacks ${listFirst(unknown)}, expected tensors that it knows; or pass a spec file (inspect --spec-out writes one to fill in)`,
    );
  checkMissing(table, patterns, met);
  const named = permutationsOf(permutations, listed, checkpoint);
  return {
    tensors: listed,
    ...named,
    rest: "refused",
    family: table.name,
    why,
    basis: "architecture",
    assumptions,
    frozen,
  };
}

function findRow(
  patterns: readonly Pattern[],
  name: string,
): { pattern: Pattern; values: Map<string, string> } | undefined {
  for (const pattern of patterns) {
    const match = pattern.regex.exec(name);
    if (match !== null) return { pattern, values: new Map(Object.entries(match.groups ?? {})) };
  }
  return undefined;
}

/** `F{L}` → `F3`. */
function fill(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(/\{(\w+)\}/g, (_, variable: string) => {
    const value = values.get(variable);
    if (value === undefined)
      throw new RangeError(`table has {${variable}} in ${text}, expected it in the tensor's name`);
    return value;
  });
}

function tensorSpec(
  { row, regex }: Pattern,
  values: ReadonlyMap<string, string>,
  name: string,
  rank: number,
): TensorSpec {
  if (row === "fixed") return { axes: Array.from({ length: rank }, () => parseAxis("_")), votes: false };
  const list = "axes" in row ? row.axes : row;
  const axes = list.map((axis) => parseAxis(fill(axis, values)));
  // Running statistics move with their norm and have no vote.
  const votes = !/running_(mean|var)$|moving_(mean|variance)$/.test(name);
  if (!("axes" in row)) return { axes, votes };
  const { slice, at } = row;
  const [from, to] = new RegExp(regex, "d").exec(name)!.indices!.groups![at]!;
  const series = `${name.slice(0, from)}*${name.slice(to)}`;
  return { axes, votes, slice: { of: fill(slice, values), at: Number(values.get(at)), series } };
}

/** By the values of all variables but those of slices: by pattern, the names that have them. */
type Met = Map<string, Map<string, Set<string>>>;

/** Notes that `name` is of a row; rows with the same variables are together. */
function noteMet(met: Met, { text, variables }: Pattern, values: ReadonlyMap<string, string>, name: string): void {
  const key = variables.join();
  const place = variables.map((variable) => values.get(variable)).join();
  const places = met.get(key) ?? new Map<string, Set<string>>();
  const rows = places.get(place) ?? new Set<string>();
  if (rows.has(text)) throw new SpecError(`${name} is the second tensor of ${text}, expected one`);
  met.set(key, places.set(place, rows.add(text)));
}

/** Throws `SpecError` for a layer that lacks a tensor of the table, and for a gap in the numbers. */
function checkMissing(table: Table, patterns: readonly Pattern[], met: Met): void {
  for (const [key, places] of met)
    for (const [place, rows] of places)
      for (const { text, variables, optional } of patterns) {
        if (optional || variables.join() !== key || rows.has(text)) continue;
        const values = new Map(variables.map((variable, at) => [variable, place.split(",")[at]!]));
        throw new SpecError(
          `model looks like ${table.name} and lacks ${fill(text, values)}, expected every tensor of its table`,
        );
      }
  if (!met.has("") && patterns.some(({ variables, optional }) => variables.length === 0 && !optional))
    throw new SpecError(
      `model looks like ${table.name} and has nothing but layers, expected every tensor of its table`,
    );
}

/** The nested permutations and the roles of those that the tensors name. */
function permutationsOf(
  rows: TableLayout["permutations"],
  listed: ReadonlyMap<string, TensorSpec>,
  { tensors }: CheckpointFacts,
): Required<Pick<Spec, "permutations" | "roles">> {
  const compiled = Object.entries(rows).map(([text, row]) => ({ row, ...compilePattern(text) }));
  const permutations = new Map<string, NestedPermutation>();
  const roles = new Map<string, UnitRole>();
  const add = (name: string): void => {
    if (roles.has(name)) return;
    for (const { regex, row } of compiled) {
      const match = regex.exec(name);
      if (match === null) continue;
      roles.set(name, row.role);
      if (row.in === undefined) return;
      const outer = fill(row.in[0], new Map(Object.entries(match.groups ?? {})));
      permutations.set(name, { outer, inner: row.in[1] });
      add(outer);
      return;
    }
    throw new RangeError(`table names the permutation ${name} (of ${tensors.size} tensors), expected a row for it`);
  };
  for (const { axes, slice } of listed.values()) {
    if (slice !== undefined) add(slice.of);
    for (const axis of axes) for (const name of axisNames(axis)) add(name);
  }
  return { permutations, roles };
}
