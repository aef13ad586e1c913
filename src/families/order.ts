/**
 * In which order a model's modules run: numbers decide inside a stem (`fc1`, `fc2`), words such as `stem` and `head`
 * between stems, convolutions come before dense matrices. Where these leave several orders, shapes decide: the order is
 * known where just one fits.
 */

import { SpecError } from "../base/errors.ts";
import type { Module } from "./modules.ts";
import { EARLIER, LATER, namesDepthwise, namesPointwise, placeOf } from "./vocabulary.ts";
import { type PathWord, withoutDimensions } from "./words.ts";

/** Compares two paths: words by alphabet, numbers by value, a missing number first. */
export function compareNatural(a: string, b: string): number {
  const parts = (path: string): string[] =>
    withoutDimensions(path)
      .toLowerCase()
      .split(/[._-]?(\d+)[._-]?/);
  const left = parts(a);
  const right = parts(b);
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const [x, y] = [left[i]!, right[i]!];
    if (x === y) continue;
    if (i % 2 === 1) return Number(x) - Number(y);
    return x < y ? -1 : 1;
  }
  return left.length - right.length;
}

/** Negative where `a` runs before `b`, positive where after; 0 where their names do not decide. */
export type Precedence = (a: Module, b: Module) => number;

/** The order that the names of `modules` show. */
export function precedence(modules: readonly Module[]): Precedence {
  const numbered = numberedStems(modules);
  return (a, b) => {
    const at = a.parts.findIndex((part, i) => part.text !== b.parts[i]?.text);
    const [one, other] = [a.parts[at], b.parts[at]];
    if (one === undefined || other === undefined) return 0;
    if (one.stem === other.stem && one.numbers.length + other.numbers.length > 0) {
      // Flax writes a Sequential's numbers so, with gaps.
      const isFlax = countsAsFlax(a) && one.text.includes("_");
      const counts = one.isIndex || placeOf(one) !== LATER;
      const known = counts && (isFlax || numbered(a.parts.slice(0, at), one));
      return known ? compareNumbers(one.numbers, other.numbers) : 0;
    }
    const pair = pairOrder(one, other);
    if (pair !== 0) return pair;
    const [place, otherPlace] = [placeOf(one), placeOf(other)];
    const sided = [place, otherPlace].some((each) => each === EARLIER || each === LATER);
    if (sided && place !== otherPlace) return place - otherPlace;
    if (a.kind !== b.kind && (a.kind === "conv" || b.kind === "conv")) return a.kind === "conv" ? -1 : 1;
    return place - otherPlace;
  };
}

/** True for Flax's and Keras's names, in any layout. */
export const countsAsFlax = ({ name }: Module): boolean => name.includes("kernel");

/** `dw1`, `pw1`, `dw2`, `pw2`: two stems that take turns. */
function pairOrder(a: PathWord, b: PathWord): number {
  const depthwise = [a, b].map((part) => namesDepthwise([part]));
  const pointwise = [a, b].map((part) => namesPointwise([part]));
  if (!(depthwise[0] && pointwise[1]) && !(depthwise[1] && pointwise[0])) return 0;
  return compareNumbers(a.numbers, b.numbers) || (depthwise[0] ? -1 : 1);
}

export function compareNumbers(a: readonly number[], b: readonly number[]): number {
  const i = a.findIndex((value, k) => value !== b[k]);
  return i < 0 ? a.length - b.length : a[i]! - (b[i] ?? -1);
}

/**
 * Whether the words of one stem under one parent are numbered in running order: by position in a container, or without
 * gaps. A gap means that the numbers have another meaning: `fc21` and `fc22` are two heads beside `fc3`.
 */
function numberedStems(modules: readonly Module[]): (parent: readonly PathWord[], part: PathWord) => boolean {
  const keyOf = (parent: readonly PathWord[], { stem, isIndex }: PathWord): string =>
    [...parent.map(({ text }) => text), isIndex, stem].join(".");
  const stems = new Map<string, Map<string, PathWord>>();
  for (const { parts } of modules) {
    for (const [i, part] of parts.entries()) {
      const key = keyOf(parts.slice(0, i), part);
      stems.set(key, (stems.get(key) ?? new Map<string, PathWord>()).set(part.text, part));
    }
  }
  const known = new Map([...stems].map(([key, parts]) => [key, hasNoGaps([...parts.values()])]));
  return (parent, part) => part.isIndex || known.get(keyOf(parent, part)) === true;
}

function hasNoGaps(parts: readonly PathWord[]): boolean {
  const [first, second] = [...parts].sort((a, b) => compareNumbers(a.numbers, b.numbers));
  if (first?.numbers.length === 0 && second !== undefined && !startsUnnumbered(first, second)) return false;
  return haveNoGaps(parts.map(({ numbers }) => (numbers.length === 0 ? [0] : numbers)));
}

/** True where each list of numbers follows the one before; the numbers inside a new block start again. */
export function haveNoGaps(numbers: readonly (readonly number[])[]): boolean {
  const sorted = [...numbers].sort(compareNumbers);
  return sorted.every((own, i) => {
    const before = sorted[i - 1];
    if (before === undefined) return true;
    const at = own.findIndex((value, k) => value !== before[k]);
    return own.length === before.length && own[at] === before[at]! + 1 && own.slice(at + 1).every((value) => value < 2);
  });
}

/** Keras and Haiku give the first of a kind no number: `dense`, `dense_1`; `conv2d`, `conv2d_1`; `linear`, `linear1`. */
function startsUnnumbered(first: PathWord, second: PathWord): boolean {
  const { text } = first;
  return (
    second.text === `${text}_1` || (second.text === `${text}1` && ["dense", "linear"].includes(text.toLowerCase()))
  );
}

/** The end of messages about an unknown order. */
export const GIVE_ORDER = "give the order by --order FIRST,…,LAST";

/** How a search for orders ends. */
interface Search {
  readonly found: Module[][];
  /** Steps that are left. */
  budget: number;
}

/** Deepest search: more modules whose order names leave open are not ordered by shapes. */
const MOST_OPEN = 64;
const MOST_STEPS = 20_000;

/** True where a module can take what `before` (undefined: the input) gives. */
export type Fits = (before: Module | undefined, module: Module) => boolean;

/**
 * The order in which `modules` run. `check` throws `SpecError` for an order whose shapes do not chain, `fits` checks
 * one step. Throws `SpecError` where no order chains, or names leave more than one that does.
 */
export function chooseOrder(
  modules: readonly Module[],
  fits: Fits,
  check: (order: readonly Module[]) => void,
): Module[] {
  const before = precedence(modules);
  const sorted = sortNaturally(modules, before);
  const open = sorted.findIndex((module, i) => i > 0 && before(sorted[i - 1]!, module) >= 0);
  if (open < 0) {
    check(sorted);
    return sorted;
  }
  const search: Search = { found: [], budget: MOST_STEPS };
  if (sorted.length <= MOST_OPEN) searchOrders(sorted, before, fits, search);
  const [only, second] = search.found;
  if (only !== undefined && second === undefined && search.budget > 0) {
    check(only);
    return only;
  }
  if (only === undefined && search.budget > 0 && sorted.length <= MOST_OPEN) check(sorted);
  throw new SpecError(`${sorted[open - 1]!.name} and ${sorted[open]!.name} fit in either order: ${GIVE_ORDER}`);
}

/**
 * By the order that names show, then by words and numbers. The first is no total order, so equals are sorted first.
 */
function sortNaturally(modules: readonly Module[], before: Precedence): Module[] {
  return [...modules].sort((a, b) => compareNatural(a.path, b.path)).sort(before);
}

/** Finds up to two orders that names allow and shapes fit. */
function searchOrders(modules: readonly Module[], before: Precedence, fits: Fits, search: Search): void {
  const waits = modules.map((a) => modules.filter((b) => before(b, a) < 0).length);
  const after = modules.map((a) => modules.flatMap((b, k) => (before(a, b) < 0 ? [k] : [])));
  const order: Module[] = [];
  const taken = modules.map(() => false);
  const step = (): void => {
    if (order.length === modules.length) search.found.push([...order]);
    for (let i = 0; i < modules.length && search.found.length < 2 && search.budget > 0; i++) {
      if (taken[i] || waits[i]! > 0 || !fits(order.at(-1), modules[i]!)) continue;
      search.budget--;
      taken[i] = true;
      for (const k of after[i]!) waits[k]!--;
      order.push(modules[i]!);
      step();
      order.pop();
      for (const k of after[i]!) waits[k]!++;
      taken[i] = false;
    }
  };
  step();
}
