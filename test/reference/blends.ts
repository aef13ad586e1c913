/** Blends by plain loops over lists of numbers, as their papers and mergekit's documentation define them. Slow and obvious. */

export type Values = readonly number[];

const sum = (values: Values): number => values.reduce((all, each) => all + each, 0);
const dot = (a: Values, b: Values): number => sum(a.map((each, e) => each * b[e]!));
const norm = (a: Values): number => Math.sqrt(dot(a, a));
const scaled = (a: Values, by: number): number[] => a.map((each) => each * by);
const plus = (a: Values, b: Values): number[] => a.map((each, e) => each + b[e]!);
const minus = (a: Values, b: Values): number[] => a.map((each, e) => each - b[e]!);
const total = (lists: readonly Values[]): number[] => lists.reduce<number[]>(plus, new Array(lists[0]!.length).fill(0));

export function linearReference(models: readonly Values[], weights: Values, normalize: boolean): number[] {
  const all = total(models.map((model, i) => scaled(model, weights[i]!)));
  return normalize ? scaled(all, 1 / sum(weights)) : all;
}

/** Of whole vectors; the line where they are parallel to within `parallel`. */
export function slerpReference(a: Values, b: Values, t: number, parallel = 1e-8): number[] {
  const cosine = dot(a, b) / (norm(a) * norm(b));
  const angle = Math.acos(Math.max(-1, Math.min(1, cosine)));
  if (!(Math.sin(angle) >= parallel)) return plus(scaled(a, 1 - t), scaled(b, t));
  return plus(scaled(a, Math.sin((1 - t) * angle) / Math.sin(angle)), scaled(b, Math.sin(t * angle) / Math.sin(angle)));
}

/** The positions of each vector: the whole tensor, its rows along the last axis, or its columns along the first. */
export function positions(along: "tensor" | "last" | "first", shape: Values): number[][] {
  const elements = shape.reduce((all, size) => all * size, 1);
  const every = Array.from({ length: elements }, (_, e) => e);
  if (along === "tensor") return [every];
  const of = (e: number): number => (along === "last" ? Math.floor(e / shape.at(-1)!) : e % (elements / shape[0]!));
  return [...new Set(every.map(of))].map((v) => every.filter((e) => of(e) === v));
}

export function nuslerpReference(
  models: readonly Values[],
  base: Values | undefined,
  weights: Values,
  vectors: readonly number[][],
): number[] {
  const [a, b] = models.map((model) => (base === undefined ? model : minus(model, base)));
  const result = new Array<number>(a!.length).fill(0);
  for (const at of vectors) {
    const t = weights[1]! / (weights[0]! + weights[1]!);
    const pick = (from: Values): number[] => at.map((e) => from[e]!);
    slerpReference(pick(a!), pick(b!), t).forEach((value, k) => {
      result[at[k]!] = value;
    });
  }
  return base === undefined ? result : plus(result, base);
}

export function karcherReference(
  models: readonly Values[],
  weights: Values,
  maxSteps: number,
  tolerance: number,
): number[] {
  const shares = scaled(weights, 1 / sum(weights));
  const length = sum(models.map((model, i) => shares[i]! * norm(model)));
  const units = models.map((model) => scaled(model, 1 / norm(model)));
  let mean = total(units.map((unit, i) => scaled(unit, shares[i]!)));
  mean = scaled(mean, 1 / norm(mean));
  for (let step = 0; step < maxSteps; step++) {
    const logs = units.map((unit, i) => {
      const angle = Math.acos(Math.max(-1, Math.min(1, dot(unit, mean))));
      if (Math.sin(angle) < 1e-8) return scaled(unit, 0);
      return scaled(minus(unit, scaled(mean, Math.cos(angle))), (shares[i]! * angle) / Math.sin(angle));
    });
    const tangent = total(logs);
    if (norm(tangent) <= tolerance) break;
    mean = plus(scaled(mean, Math.cos(norm(tangent))), scaled(tangent, Math.sin(norm(tangent)) / norm(tangent)));
    mean = scaled(mean, 1 / norm(mean));
  }
  return scaled(mean, length);
}

export interface TaskCase {
  readonly sparsify: "none" | "magnitude" | "random" | "outliers" | "rank-random";
  readonly votes: boolean;
  readonly weights: Values;
  readonly density: Values;
  readonly gamma: Values;
  readonly epsilon: Values;
  readonly taskScale: number;
  readonly normalize: boolean;
  readonly rescale: "none" | "norm" | "density";
  readonly rows: number;
  /** Uniform numbers, one for each element of each model. */
  readonly draws: readonly Values[];
}

export function taskReference(models: readonly Values[], base: Values, of: TaskCase): number[] {
  const parts = models.map((model, i) => scaled(thinned(minus(model, base), of, i), of.weights[i]!));
  const merged = base.map((_, e) => {
    const own = parts.map((part) => part[e]!);
    const majority = sum(own) >= 0 ? 1 : -1;
    const counts = own.map((value) => !of.votes || Math.sign(value) === majority);
    const divisor = sum(of.weights.filter((_each, i) => counts[i]!));
    const all = sum(own.filter((_each, i) => counts[i]!));
    return of.normalize && Math.abs(divisor) > 1e-8 ? all / divisor : all;
  });
  return plus(base, scaled(merged, of.taskScale));
}

function thinned(delta: Values, of: TaskCase, i: number): number[] {
  const density = of.density[i]!;
  if (density === 1 || of.sparsify === "none") return [...delta];
  if (density === 0) return scaled(delta, 0);
  const chances = chancesOf(delta, of, i);
  const kept = keptOf(delta, of, i, chances);
  const result = delta.map((value, e) => (kept[e]! ? value : 0));
  const sizes = (values: Values): number => sum(values.map(Math.abs));
  if (of.rescale === "norm" && sizes(result) > 0) return scaled(result, sizes(delta) / sizes(result));
  return of.rescale === "density" ? result.map((value, e) => value / chances[e]!) : result;
}

function chancesOf(delta: Values, of: TaskCase, i: number): number[] {
  const density = of.density[i]!;
  if (of.sparsify !== "rank-random") return delta.map(() => density);
  const columns = delta.length / of.rows;
  return delta.map((value, e) => {
    const row = delta.slice(Math.floor(e / columns) * columns, (Math.floor(e / columns) + 1) * columns);
    const below = row.filter((other, k) => {
      const [x, y] = [Math.abs(other), Math.abs(value)];
      return x < y || (x === y && k < e % columns);
    }).length;
    return columns === 1 ? density : density - of.epsilon[i]! + (2 * of.epsilon[i]! * below) / (columns - 1);
  });
}

function keptOf(delta: Values, of: TaskCase, i: number, chances: Values): boolean[] {
  const [n, density] = [delta.length, of.density[i]!];
  if (of.sparsify === "random" || of.sparsify === "rank-random")
    return delta.map((_, e) => of.draws[i]![e]! < chances[e]!);
  const order = delta.map((_, e) => e).sort((x, y) => Math.abs(delta[y]!) - Math.abs(delta[x]!) || x - y);
  const count = Math.max(1, Math.floor(density * n));
  const top = of.sparsify === "outliers" ? Math.min(Math.floor(of.gamma[i]! * n), n - count) : 0;
  const kept = new Set(order.slice(top, top + count));
  return delta.map((_, e) => kept.has(e));
}

export function sceReference(models: readonly Values[], base: Values, density: number, taskScale: number): number[] {
  let deltas = models.map((model) => minus(model, base));
  if (density < 1) {
    const variances = base.map((_, e) => {
      const own = deltas.map((delta) => delta[e]!);
      return sum(own.map((value) => (value - sum(own) / own.length) ** 2)) / own.length;
    });
    const order = base.map((_, e) => e).sort((x, y) => variances[y]! - variances[x]! || x - y);
    const kept = new Set(order.slice(0, Math.floor(density * variances.filter((value) => value > 0).length)));
    deltas = deltas.map((delta) => delta.map((value, e) => (kept.has(e) ? value : 0)));
  }
  const energies = deltas.map((delta) => dot(delta, delta) / delta.length);
  const weights = energies.map((each) => (sum(energies) > 0 ? each / sum(energies) : 1 / models.length));
  const merged = base.map((_, e) => {
    const own = deltas.map((delta) => delta[e]!);
    const counts = own.map((value) => Math.sign(value) === (sum(own) >= 0 ? 1 : -1));
    const divisor = sum(weights.filter((_each, i) => counts[i]!));
    return divisor > 0 ? sum(own.map((value, i) => (counts[i]! ? weights[i]! * value : 0))) / divisor : 0;
  });
  return plus(base, scaled(merged, taskScale));
}

export function modelStockReference(models: readonly Values[], base: Values, vectors: readonly number[][]): number[] {
  const deltas = models.map((model) => minus(model, base));
  const result = [...base];
  for (const at of vectors) {
    const own = deltas.map((delta) => at.map((e) => delta[e]!));
    const cosines: number[] = [];
    own.forEach((a, i) => {
      for (const b of own.slice(0, i)) cosines.push(norm(a) * norm(b) > 0 ? dot(a, b) / (norm(a) * norm(b)) : 0);
    });
    const c = Math.max(0, sum(cosines) / cosines.length);
    const t = (models.length * c) / (1 + (models.length - 1) * c);
    at.forEach((e, k) => {
      result[e]! += (t * sum(own.map((delta) => delta[k]!))) / models.length;
    });
  }
  return result;
}

export function isoReference(
  models: readonly Values[],
  base: Values,
  weights: Values,
  taskScale: number,
  columns: number,
): number[] {
  const merged = total(models.map((model, i) => scaled(minus(model, base), weights[i]!)));
  const { values, polar } = singular(merged, merged.length / columns, columns);
  const mean = sum(values) / Math.min(merged.length / columns, columns);
  return plus(base, scaled(polar, taskScale * mean));
}

/**
 * Singular values and UVᵀ by one-sided Jacobi rotations: columns of A·V become orthogonal. Directions of singular values
 * below 1e-9 of the largest have no part in UVᵀ.
 */
export function singular(a: Values, rows: number, columns: number): { values: number[]; polar: number[] } {
  if (rows < columns) {
    const turn = (m: Values, r: number, c: number): number[] =>
      Array.from({ length: r * c }, (_, e) => m[(e % r) * c + Math.floor(e / r)]!);
    const turned = singular(turn(a, rows, columns), columns, rows);
    return { values: turned.values, polar: turn(turned.polar, columns, rows) };
  }
  const column = (m: Values, width: number, j: number): number[] => m.filter((_, e) => e % width === j);
  const u = Array.from({ length: columns }, (_, j) => column(a, columns, j));
  const v = Array.from({ length: columns }, (_, j) => Array.from({ length: columns }, (_each, i) => (i === j ? 1 : 0)));
  for (let sweep = 0; sweep < 60; sweep++)
    for (let p = 0; p < columns; p++)
      for (let q = p + 1; q < columns; q++) {
        const [app, aqq, apq] = [dot(u[p]!, u[p]!), dot(u[q]!, u[q]!), dot(u[p]!, u[q]!)];
        if (Math.abs(apq) <= 1e-17 * Math.sqrt(app * aqq)) continue;
        const zeta = (aqq - app) / (2 * apq);
        const t = (zeta >= 0 ? 1 : -1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
        const c = 1 / Math.sqrt(1 + t * t);
        for (const m of [u, v]) {
          const [x, y] = [m[p]!, m[q]!];
          m[p] = minus(scaled(x, c), scaled(y, c * t));
          m[q] = plus(scaled(x, c * t), scaled(y, c));
        }
      }
  const values = u.map(norm);
  const least = 1e-9 * Math.max(...values);
  const polar = Array.from({ length: rows * columns }, (_, e) => {
    const [i, j] = [Math.floor(e / columns), e % columns];
    return sum(values.map((value, k) => (value > least ? (u[k]![i]! / value) * v[k]![j]! : 0)));
  });
  return { values, polar };
}

/** Of matrices outputs × inputs, by elimination with pivots; `ridge` as a share of the mean diagonal entry. */
export function regmeanReference(
  models: readonly Values[],
  grams: readonly Values[],
  weights: Values,
  offDiagonal: number,
  n: number,
): number[] {
  const outputs = models[0]!.length / n;
  const diagonal = (gram: Values): number => sum(Array.from({ length: n }, (_, d) => gram[d * n + d]!));
  const ridge = (1e-6 * sum(grams.map(diagonal))) / (n * grams.length);
  const own = grams.map((gram) =>
    gram.map((value, e) => (Math.floor(e / n) === e % n ? value + ridge : offDiagonal * value)),
  );
  const left = total(own.map((gram, i) => scaled(gram, weights[i]!)));
  const result = new Array<number>(models[0]!.length).fill(0);
  for (let o = 0; o < outputs; o++) {
    const right = Array.from({ length: n }, (_, r) =>
      sum(
        own.map((gram, i) => weights[i]! * dot(gram.slice(r * n, (r + 1) * n), models[i]!.slice(o * n, (o + 1) * n))),
      ),
    );
    eliminate(left, right, n).forEach((value, k) => {
      result[o * n + k] = value;
    });
  }
  return result;
}

function eliminate(a: Values, b: Values, n: number): number[] {
  const rows = Array.from({ length: n }, (_, i) => [...a.slice(i * n, (i + 1) * n), b[i]!]);
  for (let k = 0; k < n; k++) {
    const best = rows.slice(k).reduce((at, row, i) => (Math.abs(row[k]!) > Math.abs(rows[at]![k]!) ? k + i : at), k);
    [rows[k], rows[best]] = [rows[best]!, rows[k]!];
    for (let i = 0; i < n; i++) {
      if (i === k) continue;
      const factor = rows[i]![k]! / rows[k]![k]!;
      rows[i] = rows[i]!.map((value, j) => value - factor * rows[k]![j]!);
    }
  }
  return rows.map((row, k) => row[n]! / row[k]!);
}
