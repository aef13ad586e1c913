/**
 * The places of norms among ordered operations. A position in a numbered container decides, else a shared part of names
 * (`conv1`, `bn1`), words (`ln_in`), counts, or the only place where the shapes fit.
 */

import { SpecError } from "../base/errors.ts";
import { normFits } from "./chain.ts";
import type { Module } from "./modules.ts";
import { compareNatural, GIVE_ORDER } from "./order.ts";
import type { PathWord } from "./words.ts";

/** Norms are looked for among operations one by one. The deepest networks have a thousand of each. */
const MOST_PAIRS = 4_000_000;

/** Norms come after the operation whose number they share, or before it. */
export type Side = "post" | "pre";

/** The place of a norm: `at` operations run before it. */
interface Spot {
  readonly norm: Module;
  readonly at: number;
  /** It belongs to this operation by its name, and may be on the other side of it. */
  readonly beside?: number | undefined;
}

/** Norms among operations. Throws `SpecError` for a norm that fits in several places. */
export function arrangeNorms(operations: readonly Module[], norms: readonly Module[]): Module[] {
  if (norms.length === 0) return [...operations];
  if (norms.length * operations.length > MOST_PAIRS)
    throw new SpecError(
      `model has ${norms.length} norms in one chain of ${operations.length}, expected at most ${MOST_PAIRS} pairs of them`,
    );
  const sorted = [...norms].sort((a, b) => compareNatural(a.path, b.path));
  const spots = chooseSides(operations, findSpots(operations, sorted));
  const before = Array.from({ length: operations.length + 1 }, (): Module[] => []);
  for (const { norm, at } of spots) before[at]!.push(norm);
  return before.flatMap((here, i) => [...here, ...operations.slice(i, i + 1)]);
}

function findSpots(operations: readonly Module[], norms: readonly Module[]): Spot[] {
  const byName = norms.map((norm) => spotByIndex(operations, norm) ?? spotByName(operations, norm));
  const open = norms.filter((_, i) => byName[i] === undefined);
  if (open.length === 0) return byName as Spot[];
  const counted = spotsByCount(operations, norms);
  return byName.map((spot, i) => {
    const norm = norms[i]!;
    return counted === undefined || (spot !== undefined && spot.beside === undefined)
      ? (spot ?? onlySpot(operations, norm))
      : counted[i]!;
  });
}

/** In a numbered container (`features.0`, `features.1`) the position is the number. */
function spotByIndex(operations: readonly Module[], norm: Module): Spot | undefined {
  const own = norm.parts.at(-1);
  if (own?.isIndex !== true) return undefined;
  let [before, first] = [-1, -1];
  for (const [i, { parts }] of operations.entries()) {
    const last = parts[norm.parts.length - 1];
    if (last?.isIndex !== true || !sameParent(parts, norm.parts)) continue;
    if (first < 0) first = i;
    if (last.numbers[0]! < own.numbers[0]!) before = i;
  }
  const at = before >= 0 ? before + 1 : first;
  return at < 0 ? undefined : { norm, at };
}

/** True when the parents of `norm`, a path, hold `parts` too. */
function sameParent(parts: readonly PathWord[], norm: readonly PathWord[]): boolean {
  return norm.slice(0, -1).every((part, i) => part.text === parts[i]?.text);
}

/** The operation that shares most of its name with the norm; undefined when several do, or none. */
function spotByName(operations: readonly Module[], norm: Module): Spot | undefined {
  let [best, at, ties] = [0, 0, 0];
  for (const [i, operation] of operations.entries()) {
    const score = nameScore(operation, norm);
    if (score > best) [best, at, ties] = [score, i, 0];
    else if (score === best && operation.kind === operations[at]!.kind) ties++;
  }
  return best < 2 || ties > 0 ? undefined : { norm, at: at + 1, beside: at };
}

function nameScore(operation: Module, norm: Module): number {
  const [its, own] = [operation.parts, norm.parts];
  const [word, ownWord] = [its.at(-1), own.at(-1)];
  if (word === undefined || ownWord === undefined) return 0;
  let score = 0;
  const within = own.length === its.length + 1 && its.every((part, i) => part.text === own[i]!.text);
  const holds =
    !word.isIndex &&
    sameParent(its, own) &&
    its.length === own.length &&
    ownWord.text.toLowerCase().includes(word.text.toLowerCase());
  if (within || holds) score += 4;
  // At the root, two names without numbers share nothing.
  if (sameNumbers(its, own)) score += 2;
  if (its.length === own.length && sameParent(its, own)) score += 1;
  if (operation.out === norm.out || operation.in === norm.out) score += 0.5;
  return score;
}

function sameNumbers(a: readonly PathWord[], b: readonly PathWord[]): boolean {
  const [one, other] = [a, b].map((parts) => parts.flatMap(({ numbers }) => numbers).join());
  return one === other && (one !== "" || a.length > 1);
}

/**
 * Norms of one stem that are as many as the operations but the last, or as the convolutions: the k-th after the
 * k-th.
 */
function spotsByCount(operations: readonly Module[], norms: readonly Module[]): Spot[] | undefined {
  const stems = new Set(norms.map(({ parts }) => parts.map(({ stem }) => stem).join(".")));
  const convs = operations.filter(({ kind }) => kind === "conv").length;
  if (stems.size > 1 || norms.length < 2 || (norms.length !== operations.length - 1 && norms.length !== convs))
    return undefined;
  return norms.map((norm, k) => ({ norm, at: k + 1, beside: k }));
}

const fitsAt = (operations: readonly Module[], norm: Module, at: number): boolean =>
  normFits(norm, operations[at - 1], operations[at]);

/** The only place where the norm's shape fits. */
function onlySpot(operations: readonly Module[], norm: Module): Spot {
  const places = operations.flatMap((_, at) => (fitsAt(operations, norm, at) ? [at] : []));
  const [at, other] = places;
  if (norm.out === 1) return { norm, at: 1 };
  if (at !== undefined && other === undefined) return { norm, at };
  if (at === undefined) return { norm, at: operations.length };
  const where = (place: number): string => (place === 0 ? "on the input" : `after ${operations[place - 1]!.name}`);
  throw new SpecError(`${norm.name} fits ${where(at)} and ${where(other!)}: ${GIVE_ORDER}, norms too`);
}

function otherSideFits(operations: readonly Module[], { norm, at, beside }: Spot): boolean {
  return norm.out > 1 && fitsAt(operations, norm, at > beside! ? beside! : beside! + 1);
}

/** Norms come after the operations that they belong to, or all before: the shape of at least one norm must decide. */
function chooseSides(operations: readonly Module[], spots: readonly Spot[]): Spot[] {
  const beside = spots.filter(({ norm, beside: at }) => at !== undefined && norm.out > 1);
  const misplaced = beside.filter(({ norm, at }) => !fitsAt(operations, norm, at));
  const allFitBefore = beside.every((spot) => otherSideFits(operations, spot));
  if (misplaced.length === 0) {
    const open = allFitBefore ? beside.find(({ norm }) => !activates(norm)) : undefined;
    if (open === undefined) return [...spots];
    const { name } = operations[open.beside!]!;
    throw new SpecError(`${open.norm.name} fits before ${name} and after it: ${GIVE_ORDER}, norms too`);
  }
  return spots.map((spot) => {
    const moves = spot.beside !== undefined && spot.norm.out > 1 && (allFitBefore || misplaced.includes(spot));
    return moves && otherSideFits(operations, spot) ? { ...spot, at: spot.beside! } : spot;
  });
}

/** A slope for each channel: activations come after what they activate. */
const activates = ({ parts }: Module): boolean =>
  parts.at(-1)?.subwords.some((word) => word.endsWith("relu") || word.startsWith("act")) === true;
