/**
 * Inner orders that a fibre ties: the columns of an attention's output name a head of the group and a unit of the head
 * at once. So the value of one order depends on the other. For each pair of blocks the parts are solved in turn, each
 * exactly with the others held, until nothing is gained. The starts are the mean over all orders of the others, and
 * every order of the smallest part where it has few.
 */

import type { Kernels } from "../../kernels/kernels.ts";
import type { Assign, Inside, TiedFibre, TiedPart } from "../costs/nested-code.ts";

/** Rounds over all parts; the second seldom changes anything. */
const MOST_ROUNDS = 20;
/** A part of that few units is tried in every order: 3! of them. */
const FEW_UNITS = 3;

/** The parts together, for each pair of blocks of their outer permutation, which has `n`. */
export function assignTied(
  kernels: Kernels,
  assign: Assign,
  parts: readonly TiedPart[],
  fibres: readonly TiedFibre[],
  n: number,
): Inside[] {
  const { arena } = kernels;
  const found = parts.map(({ p, inner }) => ({
    p,
    values: new Float64Array(n * n),
    orders: new Int32Array(n * n * inner),
  }));
  const work = arena.allocate(4 * Math.max(...parts.map(({ inner }) => inner)) ** 2);
  for (let h = 0; h < n; h++)
    for (let g = 0; g < n; g++) {
      const best = solvePair({ kernels, assign, parts, blocks: blocksOf(kernels, parts, fibres, h, g), work, h });
      // The value is that of all parts together: it counts once.
      found[0]!.values[h * n + g] = best.value;
      best.orders.forEach((order, at) => {
        found[at]!.orders.set(order, (h * n + g) * order.length);
      });
    }
  return found;
}

/** Costs of one pair of blocks: of each part by itself, and of each fibre with the places of its parts in `parts`. */
interface Blocks {
  readonly own: readonly Float64Array[];
  readonly fibres: readonly {
    readonly cells: Float64Array;
    readonly inner: number;
    readonly places: readonly number[];
  }[];
}

interface Pair {
  readonly kernels: Kernels;
  readonly assign: Assign;
  readonly parts: readonly TiedPart[];
  readonly blocks: Blocks;
  readonly work: number;
  readonly h: number;
}

interface Solved {
  readonly orders: readonly Int32Array[];
  readonly value: number;
}

function blocksOf(
  { f32 }: Kernels,
  parts: readonly TiedPart[],
  fibres: readonly TiedFibre[],
  h: number,
  g: number,
): Blocks {
  const block = (costs: number, size: number, inner: number): Float64Array => {
    const cells = new Float64Array(inner * inner);
    for (let i = 0; i < inner; i++) cells.set(f32(costs + 4 * ((h * inner + i) * size + g * inner), inner), i * inner);
    return cells;
  };
  const sizes = new Map(parts.map(({ p, inner }) => [p, inner]));
  return {
    own: parts.map(({ costs, size, inner }) => block(costs, size, inner)),
    fibres: fibres.map((fibre) => {
      const inner = fibre.parts.reduce((product, p) => product * sizes.get(p)!, 1);
      const places = fibre.parts.map((p) => parts.findIndex((part) => part.p === p));
      return { cells: block(fibre.costs, fibre.size, inner), inner, places };
    }),
  };
}

function solvePair(pair: Pair): Solved {
  const starts = startsOf(pair);
  let best: Solved | null = null;
  for (const start of starts) {
    const solved = solveFrom(pair, start);
    if (best === null || solved.value > best.value) best = solved;
  }
  return best!;
}

/** Orders to start from, null for "the mean over all orders": of every part at once, or of the smallest in turn. */
function startsOf({ parts, h }: Pair): (Int32Array | null)[][] {
  const held = parts.map((part) => part.held?.subarray(h * part.inner, (h + 1) * part.inner) ?? null);
  const free = parts.flatMap(({ inner }, at) => (held[at] === null ? [{ inner, at }] : []));
  const smallest = free.reduce<(typeof free)[number] | null>(
    (least, part) => (least === null || part.inner < least.inner ? part : least),
    null,
  );
  if (smallest === null || smallest.inner > FEW_UNITS) return [held];
  return allOrders(smallest.inner).map((order) => held.with(smallest.at, order));
}

function allOrders(n: number): Int32Array[] {
  if (n <= 1) return [Int32Array.from({ length: n }, () => 0)];
  return allOrders(n - 1).flatMap((order) =>
    Array.from({ length: n }, (_, at) => Int32Array.from([...order].toSpliced(at, 0, n - 1))),
  );
}

function solveFrom(pair: Pair, start: readonly (Int32Array | null)[]): Solved {
  const { parts, h } = pair;
  const orders = [...start];
  let value = Number.NEGATIVE_INFINITY;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    // The largest first: what is known of the others by their mean matters least to it.
    for (const at of bySize(parts)) {
      const { held, inner } = parts[at]!;
      orders[at] = held?.subarray(h * inner, (h + 1) * inner) ?? bestPart(pair, at, orders);
    }
    const reached = worthOf(pair, orders as Int32Array[]);
    if (!(reached > value)) break;
    value = reached;
  }
  return { orders: orders as Int32Array[], value };
}

const bySize = (parts: readonly TiedPart[]): number[] =>
  [...parts.keys()].sort((a, b) => parts[b]!.inner - parts[a]!.inner || a - b);

/** The best order of one part with the others held, or at their mean. */
function bestPart(
  { kernels, assign, parts, blocks, work }: Pair,
  at: number,
  orders: readonly (Int32Array | null)[],
): Int32Array {
  const { inner, p } = parts[at]!;
  const sum = blocks.own[at]!.slice();
  for (const { cells, inner: all, places } of blocks.fibres) {
    const own = places.indexOf(at);
    if (own >= 0)
      collapse(
        sum,
        cells,
        all,
        own,
        places.map((place) => ({ inner: parts[place]!.inner, order: orders[place]! })),
      );
  }
  kernels.f32(work, inner * inner).set(sum);
  return assign(p, work, inner);
}

/** A digit of a fibre's units: how many there are, and where each goes (null: anywhere, each as likely). */
interface Digit {
  readonly inner: number;
  readonly order: Int32Array | null;
}

/** target[a, b] += Σ of the fibre's costs over all units whose digit `own` is a, given to units whose digit is b. */
function collapse(target: Float64Array, cells: Float64Array, all: number, own: number, digits: readonly Digit[]): void {
  const { inner } = digits[own]!;
  for (let unit = 0; unit < all; unit++) {
    const slots = digitsOf(unit, digits);
    // Sources by their number without the own digit, and what share of them counts.
    let sources = [0];
    let share = 1;
    let step = all;
    for (const [at, { inner: size, order }] of digits.entries()) {
      step /= size;
      if (at === own) continue;
      const places = order === null ? Array.from({ length: size }, (_, i) => i) : [order[slots[at]!]!];
      share /= places.length;
      sources = sources.flatMap((source) => places.map((place) => source + place * step));
    }
    const ownStep = digits.slice(own + 1).reduce((product, digit) => product * digit.inner, 1);
    const row = slots[own]! * inner;
    for (const source of sources)
      for (let b = 0; b < inner; b++) target[row + b]! += share * cells[unit * all + source + b * ownStep]!;
  }
}

function digitsOf(unit: number, digits: readonly Digit[]): number[] {
  const found: number[] = new Array(digits.length);
  let left = unit;
  for (let at = digits.length - 1; at >= 0; at--) {
    found[at] = left % digits[at]!.inner;
    left = Math.floor(left / digits[at]!.inner);
  }
  return found;
}

function worthOf({ parts, blocks }: Pair, orders: readonly Int32Array[]): number {
  let value = 0;
  for (const [at, { inner }] of parts.entries())
    for (let i = 0; i < inner; i++) value += blocks.own[at]![i * inner + orders[at]![i]!]!;
  for (const { cells, inner, places } of blocks.fibres) {
    const digits = places.map((place) => ({ inner: parts[place]!.inner, order: orders[place]! }));
    for (let unit = 0; unit < inner; unit++) {
      const slots = digitsOf(unit, digits);
      const source = digits.reduce((number, { inner: size, order }, at) => number * size + order[slots[at]!]!, 0);
      value += cells[unit * inner + source]!;
    }
  }
  return value;
}
