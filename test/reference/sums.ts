/** Sums in the kernels' order: element number e in lane e mod 4, folded (0 + 1) + (2 + 3), all in f64. */

/** Adds products (or values) one by one. */
export function createLanes(): { add(x: number): void; fold(): number } {
  const lanes = [0, 0, 0, 0];
  let e = 0;
  return {
    add(x: number): void {
      lanes[e % 4]! += x;
      e++;
    },
    fold: () => lanes[0]! + lanes[1]! + (lanes[2]! + lanes[3]!),
  };
}

export interface IndexedCase {
  readonly a: Float32Array;
  readonly b: Float32Array;
  readonly aRows: Int32Array;
  readonly bRows: Int32Array;
  readonly aCols: Int32Array;
  readonly bCols: Int32Array;
  readonly run: number;
}

/** Σ_r Σ_q Σ_t A[aRows[r] + aCols[q] + t] · B[bRows[r] + bCols[q] + t]. */
export function dotIndexedReference(x: IndexedCase): number {
  const lanes = createLanes();
  for (let r = 0; r < x.aRows.length; r++) {
    for (let q = 0; q < x.aCols.length; q++) {
      for (let t = 0; t < x.run; t++) {
        lanes.add(x.a[x.aRows[r]! + x.aCols[q]! + t]! * x.b[x.bRows[r]! + x.bCols[q]! + t]!);
      }
    }
  }
  return lanes.fold();
}
