/** Curves, contours and calibrations from code: repaired ones, and going on from points that are there. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Settled } from "../../src/base/options.ts";
import { createRng, randomPermutation } from "../../src/base/rng.ts";
import { detectSpec } from "../../src/families/detect-spec.ts";
import { type Architecture, initialiseModel } from "../../src/families/initialise.ts";
import { type CalibratedPlace, calibratePair } from "../../src/measure/calibrate-pair.ts";
import { type ContourPoint, sampleContour } from "../../src/measure/contour.ts";
import { type CurvePair, type MeasuredPoint, sampleCurves } from "../../src/measure/curve.ts";
import { mergeModels } from "../../src/merge/merge-models.ts";
import { applyPermutations } from "../../src/perm/apply-permutations.ts";
import type { AlignedPair } from "../../src/perm/pair.ts";
import { resolveFor } from "../../src/perm/resolve-for.ts";
import { pairRepair, repairModel } from "../../src/repair/repair-model.ts";
import type { Calibration } from "../../src/run/metrics.ts";
import { evaluateModel } from "../../src/run/models/evaluate-model.ts";
import { rejects, sameBytes } from "../reference/expect-error.ts";
import { madeUpImages } from "../reference/image-sets.ts";

const test = suite("curves and contours");

const MLP: Architecture = { family: "mlp", widths: [16, 9, 7, 3] };
const VGG: Architecture = { family: "vgg", norm: "batch", input: [4, 4, 1], plan: [6, "pool", 5], dense: [8, 3] };
const RESNET: Architecture = { family: "resnet", norm: "layer", depth: 8, width: 4, channels: 1, classes: 3 };

/** Two networks, and permutations that are as good as any. */
async function pairOf(architecture: Architecture): Promise<AlignedPair> {
  const [a, b] = [initialiseModel(architecture, 1), initialiseModel(architecture, 2)];
  const rng = createRng(3);
  const spec = await detectSpec(a);
  const permutations = new Map(
    resolveFor(a, spec).permutations.map(({ name, size }) => [name, randomPermutation(size, rng)]),
  );
  return { a, b, spec, permutations };
}

const SIDE: [number, number, number] = [4, 4, 1];
const splits = new Map([
  ["train", madeUpImages(40, SIDE, 3, 1)],
  ["test", madeUpImages(30, SIDE, 3, 2)],
]);
const images = madeUpImages(50, SIDE, 3, 4);

test("going on: only what is missing is evaluated, what is there is taken as it is, and the curves are the same", async () => {
  const pair = await pairOf(VGG);
  const aligned = await applyPermutations(pair.b, pair.spec, pair.permutations);
  const repaired: number[] = [];
  const repair: ReturnType<typeof pairRepair> = (merged, lambda) => {
    repaired.push(lambda);
    return pairRepair(pair.a, aligned, images, { kind: "bn-reset" })(merged, lambda);
  };
  const all: MeasuredPoint[] = [];
  const onPoint = (point: MeasuredPoint): void => void all.push(point);
  const whole = await sampleCurves(pair, splits, { points: 5, repair, onPoint });
  assert.is(all.length, 2 * (5 + 4 + 5));
  assert.equal(repaired, [0, 0.25, 0.5, 0.75, 1]);
  for (const there of [0, 1, 13, all.length]) {
    const [resume, missing] = [all.slice(0, there), all.slice(there)];
    const done: number[] = [];
    const found: MeasuredPoint[] = [];
    repaired.length = 0;
    const curves = await sampleCurves(pair, splits, {
      ...{ points: 5, repair, resume },
      onPoint: (point) => void found.push(point),
      onProgress: ({ stage, done: images }) => stage === "evaluate" && done.push(images),
    });
    assert.equal(curves, whole, `${there} are there`);
    assert.equal(found, missing);
    assert.is(repaired.length, new Set(missing.filter(({ line }) => line === "repaired").map((p) => p.lambda)).size);
    // Progress counts what was there as done.
    if (missing.length > 0) assert.is(done.at(-1), 14 * 70);
  }
  const made = all.map((point) => ({ ...point, loss: 7 }));
  const taken = await sampleCurves(pair, splits, { points: 5, repair, resume: made });
  for (const { naive, aligned, repaired } of taken.values())
    for (const curve of [naive, aligned, repaired!]) assert.ok(curve.points.every(({ loss }) => loss === 7));
  // Points of other λ are of no use.
  const few: MeasuredPoint[] = [];
  await sampleCurves(pair, splits, { points: 2, resume: made.slice(1), onPoint: (point) => void few.push(point) });
  assert.is(few.length, 1);
});

test("a curve that is stopped has told of every point that it has", async () => {
  const pair = await pairOf(MLP);
  const told: MeasuredPoint[] = [];
  const stop = new AbortController();
  const onPoint = (point: MeasuredPoint): void => {
    if (told.push(point) === 5) stop.abort(new Error("stopped"));
  };
  await rejects(() => sampleCurves(pair, splits, { points: 9, onPoint, signal: stop.signal }), Error, /^stopped$/);
  assert.is(told.length, 5);
});

test("the repaired curve is that of merges repaired one by one; A and B are run once for all", async () => {
  for (const [architecture, options] of [
    [MLP, { kind: "repair" }],
    [VGG, { kind: "rescale", at: "both" }],
    // A convolution without bias: the repaired network has tensors that the others lack.
    [RESNET, { kind: "repair", addBias: true }],
  ] as const) {
    const pair = await pairOf(architecture);
    const aligned = await applyPermutations(pair.b, pair.spec, pair.permutations);
    const passes: number[] = [];
    const onProgress = ({ done, total }: { done: number; total?: number | undefined }): void => {
      if (done === total) passes.push(done);
    };
    const repair = pairRepair(pair.a, aligned, images, { ...options, onProgress });
    const curves = await sampleCurves(pair, splits, { points: 3, repair });
    const { repaired } = curves.get("test") as Settled<CurvePair>;
    assert.equal([repaired.name, ...repaired.points.map(({ lambda }) => lambda)], ["repaired", 0, 0.5, 1]);
    for (const { lambda, loss, accuracy } of repaired.points) {
      const merged = await mergeModels(pair.a, aligned, pair.spec, new Map(), { lambda });
      const { model } = await repairModel(merged, [pair.a, aligned], images, {
        ...options,
        weights: [1 - lambda, lambda],
      });
      assert.equal({ loss, accuracy }, await evaluateModel(model, splits.get("test")!));
      const again = await repair(merged, lambda);
      for (const name of model.tensors.keys())
        sameBytes(await again.model.read(name), await model.read(name), `${name} at ${lambda}`);
    }
    const { length } = (await repair(pair.a, 0)).report.places;
    // Images run in each of 7 repairs: over A and B at the first, over every place each time.
    const each = images.count * length;
    assert.equal(passes, [2 * images.count + each, each, each, each, each, each, each]);
    // An end is repaired to what it does anyway.
    const { naive } = curves.get("test")!;
    assert.ok(Math.abs(repaired.points[0]!.loss - naive.points[0]!.loss) < 1e-5);
  }
});

test("contours go on in the same way", async () => {
  const pair = await pairOf(MLP);
  const data = splits.get("test")!;
  const all: ContourPoint[] = [];
  const whole = await sampleContour(pair, data, { points: 4, onPoint: (point) => void all.push(point) });
  assert.is(all.length, 16);
  for (const there of [1, 9, 16]) {
    const found: ContourPoint[] = [];
    const onPoint = (point: ContourPoint): void => void found.push(point);
    assert.equal(await sampleContour(pair, data, { points: 4, resume: all.slice(0, there), onPoint }), whole);
    assert.equal(found, all.slice(there));
  }
  const made = all.map((point) => ({ ...point, loss: Number.NaN }));
  assert.ok((await sampleContour(pair, data, { points: 4, resume: made })).loss.every(Number.isNaN));
});

test("calibrations go on in the same way, and know the repaired midpoint", async () => {
  const pair = await pairOf(VGG);
  const data = splits.get("test")!;
  const aligned = await applyPermutations(pair.b, pair.spec, pair.permutations);
  const repair = pairRepair(pair.a, aligned, images, { kind: "bn-reset" });
  const all = new Map<CalibratedPlace, Calibration>();
  const whole = await calibratePair(pair, data, { repair, onPlace: (place, value) => void all.set(place, value) });
  assert.equal([...all.keys()], ["a", "b", "naive", "aligned", "repaired"]);
  assert.equal(Object.keys(await calibratePair(pair, data)), ["a", "b", "naive", "aligned"]);
  const found: CalibratedPlace[] = [];
  const resume = new Map([...all].slice(0, 3));
  const onPlace = (place: CalibratedPlace): void => void found.push(place);
  assert.equal(await calibratePair(pair, data, { repair, resume, onPlace }), whole);
  assert.equal(found, ["aligned", "repaired"]);
  assert.not.equal(whole.repaired, whole.aligned);
  const misspelt = { onPoint: () => {} } as object;
  await rejects(() => calibratePair(pair, data, misspelt), TypeError, /calibratePair option "onPoint"/);
});

test.run();
