/** Functions that run models, on an executor of one's own: as on TensorFlow.js, but for rounding. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Spec } from "../../src/axes/types.ts";
import type { Model } from "../../src/base/model.ts";
import { createRng, randomPermutation } from "../../src/base/rng.ts";
import { activationCosts } from "../../src/by-data/activation-costs.ts";
import { chooseStart } from "../../src/by-data/choose-start.ts";
import { matchActivations } from "../../src/by-data/match-activations.ts";
import { describeGraph } from "../../src/families/describe-graph.ts";
import { detectSpec } from "../../src/families/detect-spec.ts";
import { type Architecture, initialiseModel } from "../../src/families/initialise.ts";
import { matchWeights } from "../../src/match/match-weights.ts";
import { calibratePair } from "../../src/measure/calibrate-pair.ts";
import { sampleContour } from "../../src/measure/contour.ts";
import { sampleCurves } from "../../src/measure/curve.ts";
import { mergeModels } from "../../src/merge/merge-models.ts";
import { resolveFor } from "../../src/perm/resolve-for.ts";
import { applyTaskAffine } from "../../src/repair/apply-task-affine.ts";
import type { RepairOptions } from "../../src/repair/options.ts";
import { repairModel } from "../../src/repair/repair-model.ts";
import type { RepairKind } from "../../src/repair/report.ts";
import { taskAffine } from "../../src/repair/task-affine.ts";
import type { Executor, Value } from "../../src/run/executor.ts";
import { evaluateModel } from "../../src/run/models/evaluate-model.ts";
import { tfExecutor } from "../../src/run/tfjs/executor.ts";
import { rejects } from "../reference/expect-error.ts";
import { firstDifference } from "../reference/first-difference.ts";
import { madeUpImages } from "../reference/image-sets.ts";
import { loopExecutor } from "../reference/loop-executor.ts";
import { near, nearModel } from "../reference/near.ts";
import { toModel } from "../reference/networks.ts";
import { plant } from "../reference/plant.ts";
import { RUN_CASES } from "../reference/run-cases.ts";
import { randomTask } from "../reference/run-tasks.ts";

const test = suite("executors");

const VGG: Architecture = { family: "vgg", norm: "batch", input: [4, 4, 2], plan: [6, "pool", 5], dense: [8, 3] };
const RESNET: Architecture = { family: "resnet", norm: "layer", depth: 8, width: 4, channels: 2, classes: 3 };
const RESNET_BN: Architecture = { ...RESNET, norm: "batch" };
const data = madeUpImages(24, [4, 4, 2], 3, 1);
const few = madeUpImages(9, [4, 4, 2], 3, 2);

interface Pair {
  readonly a: Model;
  readonly b: Model;
  readonly spec: Spec;
  readonly permutations: Map<string, Int32Array>;
}

async function pairOf(architecture: Architecture): Promise<Pair> {
  const [a, b] = [initialiseModel(architecture, 1), initialiseModel(architecture, 2)];
  const rng = createRng(3);
  const spec = await detectSpec(a);
  const { permutations } = resolveFor(a, spec);
  return {
    a,
    b,
    spec,
    permutations: new Map(permutations.map(({ name, size }) => [name, randomPermutation(size, rng)])),
  };
}

for (const [name, build] of RUN_CASES) {
  test(`${name}: TensorFlow.js gives the values of plain loops, every one of them`, async () => {
    const reference = build();
    const model = toModel(reference.tensors);
    const graph = await describeGraph(model);
    const { side } = reference;
    const images = { shape: [2, side, side, 1], data: randomTask(reference, 2, 4).data.read(0, 2) };
    const inputs = new Map([["input", images]]);
    const [one, other] = [await tfExecutor.open(model), await loopExecutor().open(model, { graph })];
    try {
      assert.equal(one.inputs, other.inputs);
      assert.equal(one.values, other.values);
      const keep = new Set(one.values);
      const [found, wanted] = [await one.run(inputs, keep), await other.run(inputs, keep)];
      assert.equal([...found.keys()], [...keep]);
      for (const [value, { shape, data: numbers }] of wanted) {
        assert.equal(found.get(value)!.shape, shape, value);
        near(found.get(value)!.data, numbers, value);
      }
      // A part of the values has the same bits as all of them.
      const some = one.values.filter((_, i) => i % 3 === 1);
      for (const [value, { data: numbers }] of await one.run(inputs, new Set(some)))
        assert.equal(numbers, found.get(value)!.data);
      await rejects(() => one.run(inputs, new Set(["other"])), RangeError, /^value other is unknown/);
      await rejects(() => one.run(new Map(), keep), RangeError, /^inputs are none, expected input alone$/);
    } finally {
      one.dispose();
      other.dispose();
    }
  });
}

for (const architecture of [VGG, RESNET]) {
  const { family } = architecture;
  test(`${family}: activations on one's own executor give the same costs and matchings`, async () => {
    const { a, spec } = await pairOf(architecture);
    const { b } = await plant(spec, a, createRng(4));
    const executor = loopExecutor();
    for (const cost of ["correlation", "inner-product"] as const) {
      const wanted = await activationCosts(a, b, spec, data, { cost, batch: 10 });
      const found = await activationCosts(a, b, spec, data, { cost, batch: 10, executor });
      assert.equal([...found.keys()], [...wanted.keys()]);
      for (const [name, costs] of wanted) near(found.get(name)!, costs, name, 1e-4);
    }
    assert.is(executor.opened, 4);
    const { permutations } = await matchActivations(a, b, spec, data, { executor });
    assert.is(firstDifference(permutations, (await matchActivations(a, b, spec, data)).permutations), null);
  });

  test(`${family}: evaluations, curves, contours and calibrations are the same`, async () => {
    const pair = await pairOf(architecture);
    const [own, tf] = await Promise.all(
      [loopExecutor(), tfExecutor].map(async (executor: Executor) => {
        const curves = (await sampleCurves(pair, new Map([["few", few]]), { points: 3, batch: 4, executor })).get(
          "few",
        )!;
        const contour = await sampleContour(pair, few, { points: 2, batch: 4, executor });
        const calibrations = await calibratePair(pair, few, { executor });
        return {
          evaluation: await evaluateModel(pair.a, few, { executor }),
          points: [...curves.naive.points, ...curves.aligned.points],
          contour,
          errors: Object.values(calibrations).map((found) => found!.error),
        };
      }),
    );
    near([own!.evaluation.loss], [tf!.evaluation.loss], "loss");
    assert.is(own!.evaluation.accuracy, tf!.evaluation.accuracy);
    const losses = (points: readonly { loss: number }[]): number[] => points.map(({ loss }) => loss);
    near(losses(own!.points), losses(tf!.points), "curves");
    const finite = own!.contour.loss.map((loss, i) => (Number.isFinite(loss) ? i : -1)).filter((i) => i >= 0);
    assert.ok(finite.length >= 2);
    near(
      finite.map((i) => own!.contour.loss[i]!),
      finite.map((i) => tf!.contour.loss[i]!),
      "contour",
      1e-3,
    );
    near(own!.errors, tf!.errors, "calibration");
  });
}

const REPAIRS: readonly [Architecture, RepairKind][] = [
  [VGG, "bn-reset"],
  [RESNET_BN, "bn-reset"],
  [VGG, "repair"],
  [RESNET, "repair"],
  [RESNET_BN, "rescale"],
  [RESNET, "reshift"],
  [VGG, "least-squares"],
  [RESNET, "least-squares"],
];
for (const [architecture, kind] of REPAIRS) {
  test(`${architecture.family}: ${kind} on one's own executor gives the same tensors`, async () => {
    const { a, b, spec } = await pairOf(architecture);
    const merged = await mergeModels(a, b, spec, new Map());
    const options: RepairOptions = { kind, batch: 10, addBias: true, temperature: kind === "least-squares" };
    if (kind !== "least-squares") Object.assign(options, { at: "both" });
    const executor = loopExecutor();
    const [wanted, found] = [
      await repairModel(merged, [a, b], data, options),
      await repairModel(merged, [a, b], data, { ...options, executor }),
    ];
    assert.ok(executor.runs > 0);
    await nearModel(found.model, wanted.model, kind);
    assert.equal(found.model.metadata, wanted.model.metadata);
    assert.equal(
      found.report.places.map(({ value, dead }) => [value, dead]),
      wanted.report.places.map(({ value, dead }) => [value, dead]),
    );
    assert.equal(found.report.addedBiases, wanted.report.addedBiases);
  });
}

test("side files of tasks are the same, and are folded in without running anything", async () => {
  const { a, b, spec } = await pairOf(RESNET);
  const merged = await mergeModels(a, b, spec, new Map());
  const sides: Model[] = [];
  for (const executor of [undefined, loopExecutor()])
    sides.push(await taskAffine(merged, a, data, { task: "one", at: "both", addBias: true, executor }));
  await nearModel(sides[1]!, sides[0]!, "side");
  await nearModel(await applyTaskAffine(merged, sides[1]!), await applyTaskAffine(merged, sides[0]!), "applied");
});

test("starts are chosen by images on an executor, or by a function", async () => {
  const { a, b, spec } = await pairOf(VGG);
  const executor = loopExecutor();
  const match = (start: { seed: number; perturb: number }) => matchWeights(a, b, spec, start);
  const byImages = await chooseStart(a, b, spec, { starts: 3, match, evaluate: few, executor });
  assert.ok(executor.opened >= 1);
  const byFunction = await chooseStart(a, b, spec, {
    starts: 3,
    match,
    evaluate: (model) => evaluateModel(model, few),
  });
  assert.is(byImages.chosen, byFunction.chosen);
  near(
    byImages.tried.map(({ loss }) => loss),
    byFunction.tried.map(({ loss }) => loss),
    "losses",
  );
});

test("curves and contours take an evaluation of one's own instead of images, and run nothing", async () => {
  const pair = await pairOf(VGG);
  const executor: Executor = { open: () => assert.unreachable("opened") as never };
  const seen: Model[] = [];
  const own = (model: Model) => ({ loss: seen.push(model), accuracy: 0.5 });
  const done: number[] = [];
  const onProgress = ({
    stage,
    done: count,
    total,
  }: {
    stage: string;
    done: number;
    total?: number | undefined;
  }): void => {
    if (stage === "evaluate") done.push(count / total!);
  };
  const curves = await sampleCurves(pair, new Map([["own", own]]), { points: 3, executor, onProgress });
  const { naive, aligned } = curves.get("own")!;
  assert.equal(
    naive.points.map(({ loss }) => loss),
    [1, 2, 3],
  );
  assert.equal(
    aligned.points.map(({ loss, accuracy }) => [loss, accuracy]),
    [
      [1, 0.5],
      [4, 0.5],
      [5, 0.5],
    ],
  );
  assert.equal(done, [0.2, 0.4, 0.6, 0.8, 1]);
  const { loss } = await sampleContour(pair, own, { points: 2, executor });
  assert.equal(loss, [6, 7, 8, 9]);
  assert.equal([...seen[0]!.tensors.keys()], [...pair.a.tensors.keys()]);
});

test("what an executor or an evaluation gives is looked at", async () => {
  const { a, b, spec, permutations } = await pairOf(VGG);
  const pair = { a, b, spec, permutations };
  const wrong = (change: (value: Value) => Value | undefined): Executor => ({
    async open(model, options) {
      const network = await loopExecutor().open(model, options);
      return {
        ...network,
        async run(inputs, keep) {
          const values = await network.run(inputs, keep);
          return new Map([...values].flatMap(([name, value]) => [[name, change(value)] as [string, Value]]));
        },
      };
    },
  });
  const first = ([batch, ...rest]: readonly number[]) => [batch!, ...rest.toReversed()];
  const refuses = (change: (value: Value) => Value | undefined, message: RegExp): Promise<unknown> =>
    rejects(() => activationCosts(a, b, spec, few, { executor: wrong(change) }), RangeError, message);
  await refuses(() => undefined, / value \S+ is missing, expected \[9, 4, 4, 6\] of the executor$/);
  await refuses(
    ({ shape, data: numbers }) => ({ shape: first(shape), data: numbers }),
    /has shape \[9, 6, 4, 4\], expected \[9, 4, 4, 6\]/,
  );
  await refuses(({ shape }) => ({ shape, data: new Float32Array(3) }), /has 3 numbers, expected 864 in a Float32Array/);
  await rejects(() => evaluateModel(a, few, { executor: {} as Executor }), TypeError, /^executor has no function open/);
  const nothing = (() => undefined) as never;
  const splits = new Map([["own", nothing]]);
  await rejects(
    () => sampleCurves(pair, splits, { points: 2 }),
    TypeError,
    /gave loss undefined and accuracy undefined/,
  );
  await rejects(() => sampleContour(pair, 3 as never), TypeError, /^data is 3, expected a data set or a function/);
  const match = (start: { seed: number; perturb: number }) => matchWeights(a, b, spec, start);
  await rejects(
    () => chooseStart(a, b, spec, { starts: 1, match, evaluate: undefined as never }),
    TypeError,
    /^chooseStart option evaluate is undefined, expected a data set or a function/,
  );
});

test.run();
