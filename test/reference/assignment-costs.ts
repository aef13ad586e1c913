/**
 * Kinds of cost matrices. All but the `full` ones lie on a grid coarse enough that every sum an assignment makes of them
 * is exact in f64, so that their duals can be held to exactly 0.
 */

import { createRng, type Rng, randomPermutation } from "../../src/base/rng.ts";

type Kind = (n: number, columns: number, rng: Rng) => (i: number, j: number) => number;

/** Nearly gaussian, standard deviation about 1, on a grid of 2^-20: four bytes and the bits below them. */
function bell(rng: Rng): number {
  const bits = rng.uint32();
  const sum = (bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24);
  return (sum - 510) / 128 + (rng.uint32() & 8191) / 2 ** 20;
}

const integers = (n: number, bound: number, rng: Rng): number[] =>
  Array.from({ length: n }, () => rng.below(2 * bound + 1) - bound);

/** Sum of `rank` outer products of integer vectors. */
const lowRank =
  (rank: number, bound: number): Kind =>
  (n, columns, rng) => {
    const left = Array.from({ length: rank }, () => integers(n, bound, rng));
    const right = Array.from({ length: rank }, () => integers(columns, bound, rng));
    return (i, j) => {
      let sum = 0;
      for (let r = 0; r < rank; r++) sum += left[r]![i]! * right[r]![j]!;
      return sum;
    };
  };

/** 30 % of the rows and of the columns are 0. */
const dead: Kind = (n, columns, rng) => {
  const rows = Array.from({ length: n }, () => rng.below(10) < 3);
  const others = Array.from({ length: columns }, () => rng.below(10) < 3);
  return (i, j) => (rows[i] || others[j] ? 0 : bell(rng));
};

/** Rows of zeros, columns alive: prices differ, so the lists of such rows are not all ties. */
const deadRows: Kind = (n, _columns, rng) => {
  const rows = Array.from({ length: n }, () => rng.below(10) === 0);
  return (i) => (rows[i] ? 0 : bell(rng));
};

/** A planted assignment in noise, like two trained networks. */
const planted: Kind = (_n, columns, rng) => {
  const hidden = randomPermutation(columns, rng);
  return (i, j) => (hidden[i] === j ? 6 : 0) + bell(rng);
};

const KINDS: Readonly<Record<string, Kind>> = {
  uniform: (_n, _columns, rng) => () => (rng.uint32() >>> 8) / 2 ** 24,
  gaussian: (_n, _columns, rng) => () => bell(rng),
  integers: (_n, _columns, rng) => () => rng.below(10),
  constant: () => () => -3.5,
  "equal rows": (_n, columns, rng) => {
    const row = Array.from({ length: columns }, () => bell(rng));
    return (_i, j) => row[j]!;
  },
  "equal columns": (n, _columns, rng) => {
    const column = Array.from({ length: n }, () => bell(rng));
    return (i) => column[i]!;
  },
  "sum of row and column": (n, columns, rng) => {
    const row = integers(n, 1000, rng);
    const column = integers(columns, 1000, rng);
    return (i, j) => row[i]! + column[j]!;
  },
  "rank 1": lowRank(1, 2000),
  "rank 3": lowRank(3, 1000),
  product: () => (i, j) => (i + 1) * (j + 1),
  // Squared distances of points on a line, negated: what 1-D transport maximises.
  distances: (n, columns, rng) => {
    const left = integers(n, 1000, rng);
    const right = integers(columns, 1000, rng);
    return (i, j) => -((left[i]! - right[j]!) ** 2);
  },
  dead,
  "dead rows": deadRows,
  planted,
  // All rows want the same few columns: candidate lists go stale, which the other kinds hardly ever do harmfully.
  "wanted columns": (_n, _columns, rng) => (_i, j) => (j % 13 === 0 ? 100 : 0) + rng.below(1000) / 8,
  "few values, one off": (_n, _columns, rng) => () => (rng.below(50) === 0 ? 1 : 0),
  huge: (_n, _columns, rng) => () => bell(rng) * 2 ** 100,
  tiny: (_n, _columns, rng) => () => bell(rng) * 2 ** -100,
  zeros: (_n, _columns, rng) => () => (rng.below(2) === 0 ? 0 : -0),
};

export const KIND_NAMES: readonly string[] = Object.keys(KINDS);

/** An n×columns matrix of a kind: the same for the same arguments. */
export function makeCosts(name: string, n: number, columns: number, seed = 1): Float32Array {
  const kind = KINDS[name];
  if (kind === undefined) throw new Error(`costs "${name}", expected one of ${KIND_NAMES.join(", ")}`);
  const at = kind(n, columns, createRng(seed * 1e6 + n * 1009 + columns));
  const cost = new Float32Array(n * columns);
  for (let i = 0, k = 0; i < n; i++) for (let j = 0; j < columns; j++) cost[k++] = at(i, j);
  return cost;
}

/** Full mantissas over many magnitudes: nothing is exact here. */
export function makeFull(n: number, columns: number, seed: number): Float64Array {
  const rng = createRng(seed);
  return Float64Array.from(
    { length: n * columns },
    () => (rng.uniform() - 0.5 + rng.uniform() / 2 ** 32) / 2 ** rng.below(30),
  );
}
