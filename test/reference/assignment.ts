/** What an assignment must be: brute force over all of them, and the certificate by duals. */

import type { Assignment } from "../../src/kernels/assignment.ts";

export type Costs = Float32Array | Float64Array;

/** The least (greatest) total over all ways to give n rows different columns, by trying them. */
export function bruteForce(cost: Costs, n: number, columns: number, maximize: boolean): number {
  const taken = new Array<boolean>(columns).fill(false);
  const visit = (row: number, sum: number): number => {
    if (row === n) return sum;
    let best = maximize ? -Infinity : Infinity;
    for (let j = 0; j < columns; j++) {
      if (taken[j]) continue;
      taken[j] = true;
      const total = visit(row + 1, sum + cost[row * columns + j]!);
      best = maximize ? Math.max(best, total) : Math.min(best, total);
      taken[j] = false;
    }
    return best;
  };
  return visit(0, 0);
}

export function largest(cost: Costs): number {
  let top = 0;
  for (let k = 0; k < cost.length; k++) top = Math.max(top, Math.abs(cost[k]!));
  return top;
}

/**
 * Throws unless `result` is a one-to-one assignment that its duals prove optimal: tight where assigned, feasible
 * everywhere, 0 at columns without a row, up to `tolerance`. By weak duality nothing else can be better.
 */
export function certify(
  label: string,
  cost: Costs,
  n: number,
  columns: number,
  maximize: boolean,
  result: Assignment,
  tolerance = 0,
): void {
  const { permutation, objective, rowDuals, columnDuals } = result;
  const fail = (what: string): never => {
    throw new Error(`${label}, ${n} × ${columns}, ${maximize ? "max" : "min"}: ${what}`);
  };
  if (permutation.length !== n || rowDuals.length !== n || columnDuals.length !== columns) fail("wrong lengths");
  const rowOf = new Int32Array(columns).fill(-1);
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const j = permutation[i]!;
    if (!(j >= 0 && j < columns)) fail(`row ${i} has column ${j}`);
    if (rowOf[j] !== -1) fail(`rows ${rowOf[j]} and ${i} both have column ${j}`);
    rowOf[j] = i;
    const c = cost[i * columns + j]!;
    sum += c;
    const gap = rowDuals[i]! + columnDuals[j]! - c;
    if (!(Math.abs(gap) <= tolerance)) fail(`row ${i} is not tight: ${gap}`);
    if (Object.is(rowDuals[i], -0)) fail(`row dual ${i} is -0`);
  }
  if (objective !== sum) fail(`objective ${objective}, expected ${sum}`);
  const sign = maximize ? 1 : -1;
  for (let j = 0; j < columns; j++) {
    const v = columnDuals[j]!;
    if (Object.is(v, -0)) fail(`column dual ${j} is -0`);
    if (rowOf[j] === -1 && v !== 0) fail(`free column ${j} has dual ${v}`);
    if (n < columns && sign * v < 0) fail(`column ${j} has dual ${v}`);
  }
  for (let i = 0; i < n; i++) {
    const u = rowDuals[i]!;
    const row = i * columns;
    for (let j = 0; j < columns; j++) {
      const slack = sign * (u + columnDuals[j]! - cost[row + j]!);
      if (!(slack >= -tolerance)) fail(`infeasible at [${i}, ${j}] by ${-slack}`);
    }
  }
}
