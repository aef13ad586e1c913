/** In which order a model's modules run, as far as names and shapes tell. */

import { SpecError } from "../base/errors.ts";
import type { Module } from "./modules.ts";
import { pathNumbers, unnumbered, withoutDimensions } from "./words.ts";

const FIRST = /^(input|in|stem|embedder|first|entry|encoder|enc|down|conv_?in|fc_?in|linear_?in)s?$/;
const LAST =
  /^(output|out|head|logits|classifier|final|last|exit|decoder|dec|up|predictions?|readout|conv_?out|fc_?out|linear_?out|score)s?$/;

/** The words of a path without their numbers: modules of one stem are ordered by number. */
function stem(path: string): string {
  return withoutDimensions(path)
    .replaceAll(/[._-]?\d+/g, "#")
    .toLowerCase();
}

/** −1 for what is named as an input, 1 for what is named as an output, else 0. */
function rank(path: string): number {
  const words = path.split(".").map(unnumbered);
  if (words.some((word) => LAST.test(word))) return 1;
  return words.some((word) => FIRST.test(word)) ? -1 : 0;
}

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

/** More stems than this are not tried in every order: 4! orders are cheap, and nobody names five. */
const MOST_STEMS = 4;

/**
 * Orders to try: numbers decide inside a stem (`fc1`, `fc2`), names such as `stem` and `head` between stems, and
 * where they do not every order of the stems is a candidate.
 */
function candidateOrders(modules: readonly Module[]): Module[][] {
  const byStem = new Map<string, Module[]>();
  for (const module of [...modules].sort((a, b) => compareNatural(a.path, b.path))) {
    const key = stem(module.path);
    const same = byStem.get(key);
    if (same === undefined) byStem.set(key, [module]);
    else same.push(module);
  }
  let orders: Module[][] = [[]];
  for (const side of [-1, 0, 1]) {
    const groups = [...byStem.values()].filter(([first]) => rank(first!.path) === side);
    const arrangements = groups.length <= MOST_STEMS ? permutations(groups) : [groups];
    orders = orders.flatMap((order) => arrangements.map((groups) => [...order, ...groups.flat()]));
  }
  return orders;
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map((others) => [item, ...others]));
}

/** Modules sorted by their numbers, when all have numbers and no two the same. */
function byNumbers(modules: readonly Module[]): Module[] | null {
  const keys = modules.map((module) => pathNumbers(module.path));
  const distinct = new Set(keys.map((key) => key.join())).size === modules.length;
  if (!distinct || keys.some((key) => key.length !== keys[0]!.length || key.length === 0)) return null;
  return [...modules].sort((a, b) => compareNumbers(pathNumbers(a.path), pathNumbers(b.path)));
}

function compareNumbers(a: readonly number[], b: readonly number[]): number {
  const i = a.findIndex((value, k) => value !== b[k]);
  return i < 0 ? 0 : a[i]! - b[i]!;
}

/**
 * The order in which `convs` and then `denses` run. `check` throws `SpecError` for an order whose shapes do not chain.
 * Numbers decide where there are any, then what chains; where several orders chain, the file's order when it is no
 * mere sorting by name. Throws the first order's error when none chains, and when several do and nothing decides.
 */
export function chooseOrder(
  convs: readonly Module[],
  denses: readonly Module[],
  check: (order: readonly Module[]) => void,
): Module[] {
  const numbered = [byNumbers(convs) ?? [], byNumbers(denses) ?? []].flat();
  const areNumbered = numbered.length === convs.length + denses.length;
  return areNumbered && misfit(numbered, check) === null ? numbered : searchOrder(convs, denses, check);
}

/** What `check` says against an order; null when it fits. */
function misfit(order: readonly Module[], check: (order: readonly Module[]) => void): SpecError | null {
  try {
    check(order);
    return null;
  } catch (error) {
    if (error instanceof SpecError) return error;
    throw error;
  }
}

function searchOrder(
  convs: readonly Module[],
  denses: readonly Module[],
  check: (order: readonly Module[]) => void,
): Module[] {
  const fileOrder = [...convs, ...denses];
  const orders = candidateOrders(convs).flatMap((first) => candidateOrders(denses).map((then) => [...first, ...then]));
  const fitting = orders.filter((order) => misfit(order, check) === null);
  if (fitting.length === 1) return fitting[0]!;
  const sorted = fileOrder.every((module, i) => i === 0 || fileOrder[i - 1]!.name < module.name);
  if (!sorted && misfit(fileOrder, check) === null) return fileOrder;
  if (fitting.length === 0) throw misfit(orders[0]!, check)!;
  const differ = fitting[0]!.findIndex((module, i) => module !== fitting[1]![i]);
  const [a, b] = [fitting[0]![differ]!.name, fitting[1]![differ]!.name];
  throw new SpecError(
    `${a} and ${b} fit in either order, expected numbers in names or shapes that tell which runs first`,
  );
}
