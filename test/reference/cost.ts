/** The slow, obvious cost matrix, and one that keeps the contract's order of additions. */

export interface CostCase {
  readonly c: Float32Array;
  readonly ldc: number;
  readonly rowBegin: number;
  readonly rowEnd: number;
  readonly columns: number;
  readonly k: number;
  readonly a: Float32Array;
  readonly aStride: number;
  readonly aOffsets?: Int32Array | undefined;
  readonly b: Float32Array;
  readonly bStride: number;
  readonly bOffsets?: Int32Array | undefined;
  readonly bLess?: Int32Array | undefined;
}

const BLOCK = 256;

/** C after the call, with f32 rounding after every operation: what the kernels must give, bit for bit. */
export function costReference(q: CostCase): Float32Array {
  const { fround } = Math;
  const c = q.c.slice();
  for (let i = q.rowBegin; i < q.rowEnd; i++) {
    for (let j = 0; j < q.columns; j++) {
      for (let begin = 0; begin < q.k; begin += BLOCK) {
        let sum = 0;
        for (let kk = begin; kk < Math.min(q.k, begin + BLOCK); kk++) sum = fround(sum + fround(product(q, i, j, kk)));
        c[i * q.ldc + j] = c[i * q.ldc + j]! + sum;
      }
    }
  }
  return c;
}

/** Σ and Σ|·| of the products of one element in f64: the value, and the scale of its rounding error. */
export function costExact(q: CostCase, i: number, j: number): { value: number; scale: number } {
  let value = 0;
  let scale = 0;
  for (let kk = 0; kk < q.k; kk++) {
    value += product(q, i, j, kk);
    scale += Math.abs(product(q, i, j, kk));
  }
  return { value, scale };
}

function product(q: CostCase, i: number, j: number, kk: number): number {
  const x = q.a[i * q.aStride + (q.aOffsets?.[kk] ?? kk)]!;
  const y = q.b[j * q.bStride + (q.bOffsets?.[kk] ?? kk)]!;
  return x * (q.bLess === undefined ? y : Math.fround(y - q.b[j * q.bStride + q.bLess[kk]!]!));
}
