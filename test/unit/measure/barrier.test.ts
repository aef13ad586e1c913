/** Barriers in both definitions, and the geometry of the plane through A, B and π(B). */

import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { barrier, type Curve, lambdas } from "../../../src/measure/barrier.ts";
import { contourPlane } from "../../../src/measure/contour-plane.ts";

const test = suite("barriers and planes");

const curveOf = (losses: readonly number[]): Curve => ({
  name: "c",
  points: losses.map((loss, i) => ({ lambda: i / (losses.length - 1), loss, accuracy: 0 })),
});
const near = (actual: number, expected: number, tolerance = 1e-9): void =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual}, expected ${expected}`);

test("the two definitions on curves known by hand", () => {
  const flat = barrier(curveOf([1, 1, 1]));
  assert.equal(flat, { maxMinusMeanEndpoints: 0, maxAboveChord: 0 });
  const peak = barrier(curveOf([1, 4, 3]));
  assert.equal(peak, { maxMinusMeanEndpoints: 2, maxAboveChord: 2 });
  // Falling in a straight line: no rise above the chord, but the first end lies above the mean of both.
  const slope = barrier(curveOf([3, 2, 1]));
  assert.equal(slope, { maxMinusMeanEndpoints: 1, maxAboveChord: 0 });
  // Where ends differ, the highest rise above the chord need not be at the highest loss.
  const bent = barrier(curveOf([0, 3, 3.5, 3.75, 4]));
  near(bent.maxMinusMeanEndpoints, 2);
  near(bent.maxAboveChord, 2);
  const valley = barrier(curveOf([1, 0, 1]));
  assert.equal(valley, { maxMinusMeanEndpoints: 0, maxAboveChord: 0 });
});

const losses = fc.array(fc.double({ min: 0, max: 10, noNaN: true }), { minLength: 2, maxLength: 30 });

test("shifting a curve changes neither barrier, turning it around neither, scaling scales both", () => {
  fc.assert(
    fc.property(losses, (values) => {
      const base = barrier(curveOf(values));
      const { maxMinusMeanEndpoints: mean, maxAboveChord: chord } = base;
      for (const [changed, factor] of [
        [values.map((value) => value + 5), 1],
        [[...values].reverse(), 1],
        [values.map((value) => 3 * value), 3],
      ] as const) {
        const other = barrier(curveOf(changed));
        near(other.maxMinusMeanEndpoints, factor * mean);
        near(other.maxAboveChord, factor * chord);
      }
      assert.ok(chord >= 0 && mean >= -1e-12, `${chord}, ${mean}`);
      // They differ by half the difference of the ends at most.
      assert.ok(Math.abs(mean - chord) <= Math.abs(values[0]! - values.at(-1)!) / 2 + 1e-9);
    }),
    { seed: 4, numRuns: 200 },
  );
});

test("a diverged point makes a barrier infinite; a curve that stops short has none", () => {
  for (const loss of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const { maxMinusMeanEndpoints, maxAboveChord } = barrier(curveOf([1, loss, 1]));
    assert.equal([maxMinusMeanEndpoints, maxAboveChord], [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
  }
  const short = { name: "short", points: [{ lambda: 0, loss: 1, accuracy: 1 }] };
  assert.throws(() => barrier(short), /^curve short goes from 0 to 0, expected 0 to 1$/);
  assert.throws(() => barrier({ name: "none", points: [] }), /^curve none goes from undefined to undefined/);
});

test("25 λ are those of the paper: equal steps with both ends and the middle", () => {
  const steps = lambdas(25);
  assert.equal([steps.length, steps[0], steps[12], steps[24]], [25, 0, 0.5, 1]);
  for (const points of [1, 0, 2.5, Number.NaN]) assert.throws(() => lambdas(points), RangeError);
});

const vector = fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 4, maxLength: 4 });
const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
const less = (a: readonly number[], b: readonly number[]): number[] => a.map((x, i) => x - b[i]!);

test("the plane: corners have weight 1, weights add up to 1, coordinates are lengths at a right angle", () => {
  fc.assert(
    fc.property(vector, vector, vector, fc.double({ min: -1, max: 2, noNaN: true }), (a, b, aligned, y) => {
      const [first, second] = [less(b, a), less(aligned, a)];
      const products = { bb: dot(first, first), bp: dot(first, second), pp: dot(second, second) };
      const rest = products.pp - products.bp ** 2 / products.bb;
      fc.pre(products.bb > 0.1 && rest > 0.1);
      const plane = contourPlane(products);
      const at = (x: number, height: number): number[] => {
        const [wa, wb, wp] = plane.weightsAt(x, height);
        near(wa + wb + wp, 1, 1e-9);
        return a.map((value, i) => wa * value + wb * b[i]! + wp * aligned[i]!);
      };
      const close = (actual: readonly number[], expected: readonly number[]): void =>
        actual.forEach((value, i) => {
          near(value, expected[i]!, 1e-6);
        });
      close(at(0, 0), a);
      close(at(1, 0), b);
      close(at(plane.aligned.x, plane.aligned.y), aligned);
      // Lengths are those of the space, in units of |B − A|; the axes are at a right angle.
      const up = less(at(0, y), a);
      near(Math.sqrt(dot(up, up)), Math.abs(y) * Math.sqrt(products.bb), 1e-6);
      near(dot(up, first), 0, 1e-6);
    }),
    { seed: 5, numRuns: 200 },
  );
});

test("three models on a line are in no plane", () => {
  for (const products of [
    { bb: 0, bp: 0, pp: 1 },
    { bb: 1, bp: 0, pp: 0 },
    { bb: 1, bp: 1, pp: 1 },
    { bb: 4, bp: -2, pp: 1 },
    { bb: Number.NaN, bp: 0, pp: 1 },
  ])
    assert.throws(() => contourPlane(products), /^A, B and π\(B\) are on one line/);
});

test.run();
