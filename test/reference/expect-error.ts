/** Checks of errors, by class and by message. */

import * as assert from "uvu/assert";

type ErrorClass = new (...args: never[]) => Error;

/** Awaits `work` and returns its error; fails if there is none, or it is of another class, or the message does not match. */
export async function rejects(work: () => Promise<unknown>, Type: ErrorClass, message: RegExp): Promise<Error> {
  let result: unknown;
  try {
    result = await work();
  } catch (error) {
    assert.ok(error instanceof Type, `expected ${Type.name} ${message}, got ${String(error)}`);
    assert.match(error.message, message);
    return error;
  }
  return assert.unreachable(`expected ${Type.name} ${message}, got ${String(result)}`) as never;
}

/** Fails with the first difference; uvu's own `equal` prints whole arrays. */
export function sameBytes(actual: Uint8Array, expected: Uint8Array, what = "bytes"): void {
  assert.is(actual.length, expected.length, `${what}: length`);
  const i = expected.findIndex((byte, k) => byte !== actual[k]);
  assert.is(i, -1, `${what}: byte ${i} is ${actual[i]}, expected ${expected[i]}`);
}
