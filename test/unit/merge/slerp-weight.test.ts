import { suite } from "uvu";
import * as assert from "uvu/assert";
import { slerpWeight } from "../../../src/merge/methods/slerp-weight.ts";

const test = suite("slerp weight");

/** slerpWeight(0.3, 0.37) and slerpWeight(-0.6, 0.2), written down once: every runtime must give these bits. */
const WRITTEN = [0.4733124173784156, 0.5356560573558174];

test("is sin(tθ)/sin(θ)", () => {
  for (let k = -9995; k <= 9995; k += 5) {
    const cosine = k / 10000;
    const angle = Math.acos(cosine);
    for (const t of [0, 0.001, 0.1, 0.37, 0.5, 0.75, 0.9, 1]) {
      const expected = Math.sin(t * angle) / Math.sin(angle);
      // The host's own sin may round otherwise; a few units in the last place, more where θ is near π.
      const error = Math.abs(slerpWeight(cosine, t) - expected);
      assert.ok(error <= (2e-15 * Math.max(1, expected)) / Math.sin(angle), `cosine ${cosine}, t ${t}: ${error}`);
    }
  }
});

test("is exact at both ends, and symmetric between them", () => {
  for (const cosine of [-0.999, -0.5, 0, 0.25, 0.9, 0.9999]) {
    assert.is(slerpWeight(cosine, 0), 0);
    assert.is(slerpWeight(cosine, 1), 1);
    // θ/2: both weights are 1 / (2 cos(θ/2)).
    assert.ok(Math.abs(slerpWeight(cosine, 0.5) - 1 / Math.sqrt(2 + 2 * cosine)) < 1e-12, `${cosine}`);
  }
});

test("has the same bits in every runtime", () => {
  assert.equal([slerpWeight(0.3, 0.37), slerpWeight(-0.6, 0.2)], WRITTEN);
});

test("is NaN where there is no angle", () => {
  assert.ok(Number.isNaN(slerpWeight(1, 0.5)));
  assert.ok(Number.isNaN(slerpWeight(1.5, 0.5)));
});

test.run();
