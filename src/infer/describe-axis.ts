/** The positions of an axis in the words of the axis algebra: segments of factors. */

import type { Digits } from "./digits.ts";
import type { Families } from "./families.ts";

/** A fixed number of positions, a digit, or separate segments. */
export type AxisPart =
  | { readonly fixed: number }
  | { readonly digit: number }
  | { readonly parts: readonly (readonly AxisPart[])[] };

/** What cannot be expressed: `digit` is at position `at` in an order that no product has. */
export interface Unsaid {
  readonly digit: number;
  readonly at: number;
}

/** The segments of an axis, or the part that cannot be expressed. */
export function describeAxis(families: Families, digits: Digits, units: Int32Array): (readonly AxisPart[])[] | Unsaid {
  return describeRange({ families, digits, units }, 0, units.length, new Set());
}

interface Axis {
  readonly families: Families;
  readonly digits: Digits;
  readonly units: Int32Array;
}

function describeRange(
  axis: Axis,
  from: number,
  until: number,
  used: ReadonlySet<number>,
): (readonly AxisPart[])[] | Unsaid {
  const segments: (readonly AxisPart[])[] = [];
  for (let at = from; at < until; ) {
    const open = openDigits(axis, at, used);
    if (open.length === 0) {
      let end = at + 1;
      while (end < until && openDigits(axis, end, used).length === 0) end++;
      segments.push([{ fixed: end - at }]);
      at = end;
      continue;
    }
    const found = describeProduct(axis, at, until, used, open);
    if (!Array.isArray(found)) return found as Unsaid;
    const [length, parts] = found as [number, readonly AxisPart[]];
    segments.push(parts);
    at += length;
  }
  return merged(segments);
}

/** Digits of the unit at a position that are not used and whose outer digits are. */
function openDigits({ families, digits, units }: Axis, at: number, used: ReadonlySet<number>): readonly number[] {
  const family = families.familyOf[units[at]!]!;
  if (family < 0) return [];
  return digits.of[family]!.filter((digit) => {
    const outer = digits.outer[digit];
    return !used.has(digit) && (outer === undefined || digits.of[outer]!.every((each) => used.has(each)));
  });
}

function valueAt({ families, digits, units }: Axis, at: number, digit: number): number {
  const unit = units[at]!;
  const family = families.familyOf[unit]!;
  if (family < 0 || !digits.of[family]!.includes(digit)) return -1;
  return digits.value(family, families.strandOf[unit]!, digit);
}

/** The product that starts at a position: its length and factors. */
function describeProduct(
  axis: Axis,
  at: number,
  until: number,
  used: ReadonlySet<number>,
  open: readonly number[],
): [number, readonly AxisPart[]] | Unsaid {
  let [digit, block] = [open[0]!, 0];
  for (const each of open) {
    let run = 0;
    while (at + run < until && valueAt(axis, at + run, each) === 0) run++;
    if (run > block) [digit, block] = [each, run];
  }
  const count = axis.digits.counts[digit]!;
  if (block === 0 || at + count * block > until) return { digit, at };
  for (let i = 1; i < count; i++)
    for (let j = 0; j < block; j++)
      if (!isMoved(axis, at + j, at + i * block + j, digit, i)) return { digit, at: at + i * block + j };
  const inner = describeRange(axis, at, at + block, new Set([...used, digit]));
  if (!Array.isArray(inner)) return inner;
  const [only] = inner;
  if (inner.length === 1)
    return [count * block, [{ digit }, ...only!.filter((part) => !("fixed" in part) || part.fixed !== 1)]];
  return [count * block, [{ digit }, { parts: inner }]];
}

/** True where position `to` has what `from` has, but for the value `i` of `digit`. */
function isMoved(axis: Axis, from: number, to: number, digit: number, i: number): boolean {
  const { families, digits, units } = axis;
  const [a, b] = [units[from]!, units[to]!];
  if (families.cells.of[a] !== families.cells.of[b]) return false;
  if (valueAt(axis, to, digit) !== i) return false;
  const family = families.familyOf[a]!;
  return digits.of[family]!.every((each) => each === digit || valueAt(axis, from, each) === valueAt(axis, to, each));
}

/** Equal segments that follow each other as a product, `3*P`. */
function merged(segments: readonly (readonly AxisPart[])[]): (readonly AxisPart[])[] {
  const result: (readonly AxisPart[])[] = [];
  for (let at = 0; at < segments.length; ) {
    const key = JSON.stringify(segments[at]);
    let end = at + 1;
    while (end < segments.length && JSON.stringify(segments[end]) === key) end++;
    result.push(end - at > 1 ? [{ fixed: end - at }, ...segments[at]!] : segments[at]!);
    at = end;
  }
  return result;
}
