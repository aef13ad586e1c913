/** The groups of a spec as a table, by role. */

import { textTable } from "../report/text-table.ts";

/** A group of units, as `inspect` describes it. */
export interface DescribedGroup {
  readonly size: number;
  readonly tensors: readonly string[];
  readonly inside?: string | undefined;
  readonly role?: string | undefined;
}

/**
 * One line a group. Where groups have roles, those of one role are together, with a line of totals below: groups,
 * units, and tensors that at least one of them moves. Columns that would be empty in every row are left out.
 */
export function groupTable(groups: Readonly<Record<string, DescribedGroup>>): string {
  const all = Object.entries(groups);
  const isNested = all.some(([, { inside }]) => inside !== undefined);
  // Heads move the tensors of the units inside them.
  const tensorsOf = (name: string): string[] => [
    ...groups[name]!.tensors,
    ...all.filter(([, { inside }]) => inside === name).flatMap(([nested]) => tensorsOf(nested)),
  ];
  const row = ([name, { size, inside }]: [string, DescribedGroup]): string[] => [
    ...[name, String(size), String(new Set(tensorsOf(name)).size)],
    ...(isNested ? [inside ?? ""] : []),
  ];
  const header = ["permutation", "size", "tensors", ...(isNested ? ["inside"] : [])];
  if (all.every(([, { role }]) => role === undefined)) return textTable(header, all.map(row));
  const roles = new Map<string, [string, DescribedGroup][]>();
  for (const entry of all) {
    const role = entry[1].role ?? "";
    roles.set(role, [...(roles.get(role) ?? []), entry]);
  }
  const rows = [...roles].flatMap(([role, own]) => {
    const lines = own.map((entry, at) => [at === 0 ? role : "", ...row(entry)]);
    if (own.length === 1) return lines;
    const units = own.reduce((sum, [, { size }]) => sum + size, 0);
    const tensors = new Set(own.flatMap(([name]) => tensorsOf(name))).size;
    return [...lines, ["", `all ${own.length}`, String(units), String(tensors), ...(isNested ? [""] : [])]];
  });
  return textTable(["role", ...header], rows);
}
