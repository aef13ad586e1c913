/** Values and models that are equal but for rounding. */

import * as assert from "uvu/assert";
import type { Model } from "../../src/base/model.ts";

export function near(actual: ArrayLike<number>, wanted: ArrayLike<number>, what: string, tolerance = 2e-5): void {
  assert.is(actual.length, wanted.length, what);
  const largest = Array.from(wanted).reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
  for (let i = 0; i < wanted.length; i++) {
    if (!(Math.abs(actual[i]! - wanted[i]!) <= tolerance * largest))
      assert.unreachable(`${what} ${i}: ${actual[i]}, expected ${wanted[i]} within ${tolerance} of ${largest}`);
  }
}

export async function nearModel(actual: Model, wanted: Model, what: string): Promise<void> {
  assert.equal([...actual.tensors], [...wanted.tensors], what);
  for (const [name, { dtype }] of wanted.tensors) {
    const [x, y] = [(await actual.read(name)).slice(), (await wanted.read(name)).slice()];
    if (dtype === "F32") near(new Float32Array(x.buffer), new Float32Array(y.buffer), `${what} ${name}`, 1e-4);
    else assert.equal(x, y);
  }
}
