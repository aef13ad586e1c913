/** The largest of many values by magnitude, in time that grows with their number and with the same choice everywhere. */

/** Halves of 16 bits of an f64, from the highest down: positions in a little-endian `Uint16Array`. */
const HALVES = [3, 2, 1, 0] as const;

/** 1 for the `count` values of the largest magnitude, else 0. Of equal ones, those that come first. No NaN. */
export function largest(values: Float64Array, count: number): Uint8Array {
  const kept = new Uint8Array(values.length);
  if (count >= values.length) return kept.fill(1);
  if (count <= 0) return kept;
  let { least, ties } = leastOf(values, count);
  for (let e = 0; e < values.length; e++) {
    const size = Math.abs(values[e]!);
    if (size > least || (size === least && ties-- > 0)) kept[e] = 1;
  }
  return kept;
}

/**
 * The `count`-th largest magnitude, and how many values equal to it are among the `count`. Magnitudes are in the order
 * of their bits: four passes count them by 16 bits each.
 */
function leastOf(values: Float64Array, count: number): { least: number; ties: number } {
  const halves = new Uint16Array(values.buffer, values.byteOffset, 4 * values.length);
  const found = new Uint16Array(4);
  let ties = count;
  for (const half of HALVES) {
    const counts = new Uint32Array(65536);
    for (let e = 0; e < values.length; e++) if (agrees(halves, e, found, half)) counts[halfOf(halves, e, half)]!++;
    let at = 65535;
    for (; counts[at]! < ties; at--) ties -= counts[at]!;
    found[half] = at;
  }
  return { least: new Float64Array(found.buffer)[0]!, ties };
}

/** Without the sign. */
const halfOf = (halves: Uint16Array, e: number, half: number): number =>
  half === 3 ? halves[4 * e + 3]! & 0x7fff : halves[4 * e + half]!;

/** True where all halves above `half` are those found. */
function agrees(halves: Uint16Array, e: number, found: Uint16Array, half: number): boolean {
  for (let above = 3; above > half; above--) if (halfOf(halves, e, above) !== found[above]) return false;
  return true;
}
