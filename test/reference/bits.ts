/** Comparing results bit by bit: NaN equals itself, 0 and −0 differ, and a failure names the first difference. */

type Array_ = Float32Array | Float64Array | Int32Array | Uint32Array | Uint16Array | Uint8Array;

/** Throws unless both arrays have the same type, length and bits. */
export function bitEqual(actual: Array_, expected: Array_, label: string): void {
  if (actual.constructor !== expected.constructor) throw new Error(`${label}: arrays of different types`);
  if (actual.length !== expected.length)
    throw new Error(`${label}: ${actual.length} elements, expected ${expected.length}`);
  const left = bytesOf(actual);
  const right = bytesOf(expected);
  let first = -1;
  let count = 0;
  for (let i = 0; i < actual.length; i++) {
    const size = actual.BYTES_PER_ELEMENT;
    let same = true;
    for (let k = i * size; k < (i + 1) * size; k++) same &&= left[k] === right[k];
    if (same) continue;
    if (first < 0) first = i;
    count++;
  }
  if (first >= 0) {
    throw new Error(`${label}: element ${first} is ${actual[first]}, expected ${expected[first]}; ${count} differ`);
  }
}

function bytesOf(array: Array_): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
