/** Gram matrices of layers' inputs: what a layer puts out has the size that they say, and RegMean uses them. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { describeGraph } from "../../../src/families/describe-graph.ts";
import { initialiseModel } from "../../../src/families/initialise.ts";
import { blendModels } from "../../../src/merge/blend-models.ts";
import { inputGrams } from "../../../src/repair/input-grams.ts";
import type { Value } from "../../../src/run/executor.ts";
import { rejects } from "../../reference/expect-error.ts";
import { madeUpImages } from "../../reference/image-sets.ts";
import { loopExecutor } from "../../reference/loop-executor.ts";
import { near } from "../../reference/near.ts";
import { fromModel } from "../../reference/networks.ts";

const test = suite("input Grams");

const ARCHITECTURES = [
  { family: "mlp", widths: [48, 10, 7, 3] },
  { family: "vgg", norm: "layer", input: [4, 4, 3], plan: [5, "pool", 6], dense: [7, 3] },
  { family: "resnet", norm: "batch", depth: 8, width: 4, channels: 3, classes: 3 },
] as const;

for (const architecture of ARCHITECTURES)
  test(`${architecture.family}: wᵀGw is the sum of squares of what w puts out, for every unit`, async () => {
    const model = initialiseModel(architecture, 3);
    const images = madeUpImages(23, [4, 4, 3], 3);
    const grams = await inputGrams(model, images, { executor: loopExecutor(), batch: 7 });
    const graph = await describeGraph(model);
    const network = await loopExecutor().open(model, { graph });
    const input: Value = { shape: [23, 4, 4, 3], data: images.read(0, 23) };
    const linear = graph.operations.filter(({ kind }) => kind.op === "dense" || kind.op === "conv");
    const values = await network.run(new Map([["input", input]]), new Set(linear.map(({ output }) => output)));
    const tensors = await fromModel(model);
    assert.is(grams.size, linear.length);
    for (const { kind, output } of linear) {
      if (kind.op !== "dense" && kind.op !== "conv") continue;
      const { shape, data } = tensors.get(kind.weight)!;
      const [units, gram] = [shape[0]!, grams.get(kind.weight)!];
      const n = data.length / units;
      const bias = kind.bias === undefined ? undefined : tensors.get(kind.bias)!.data;
      const out = values.get(output)!.data;
      const wanted = new Float64Array(units);
      out.forEach((value, e) => {
        wanted[e % units]! += (value - (bias?.[e % units] ?? 0)) ** 2;
      });
      const got = wanted.map((_, o) => {
        let sum = 0;
        for (let i = 0; i < n; i++)
          for (let j = 0; j < n; j++) sum += data[o * n + i]! * data[o * n + j]! * gram[i * n + j]!;
        return sum;
      });
      near(got, wanted, kind.weight, 1e-5);
    }
  });

test("RegMean of one network and one of other weights: nearer to both networks' outputs than the mean", async () => {
  const models = [1, 2].map((seed) => initialiseModel({ family: "mlp", widths: [48, 3, 3] }, seed));
  const images = madeUpImages(200, [4, 4, 3], 3);
  const grams: Map<string, Float64Array>[] = [];
  for (const model of models) grams.push(await inputGrams(model, images, { executor: loopExecutor() }));
  const ofGrams = async (tensor: string, i: number) => grams[i]!.get(tensor);
  // The second matrix reads other inputs in each: its Σ ‖X_m W − X_m W_m‖² is lower than with the mean.
  const tensor = "layers.1.weight";
  const merged = blendModels(models, { blend: "regmean", grams: ofGrams, settings: { offDiagonal: 1 } });
  const errorOf = async (model: Awaited<ReturnType<typeof blendModels>>): Promise<number> => {
    const own = (await fromModel(model)).get(tensor)!.data;
    let sum = 0;
    for (const [m, each] of models.entries()) {
      const [theirs, gram] = [(await fromModel(each)).get(tensor)!.data, grams[m]!.get(tensor)!];
      for (let o = 0; o < 3; o++)
        for (let i = 0; i < 3; i++)
          for (let j = 0; j < 3; j++)
            sum += (own[3 * o + i]! - theirs[3 * o + i]!) * (own[3 * o + j]! - theirs[3 * o + j]!) * gram[3 * i + j]!;
    }
    return sum;
  };
  assert.ok((await errorOf(merged)) < 0.99 * (await errorOf(blendModels(models))));
  // The first matrix reads the same images in both: the mean.
  const [got, mean] = [await fromModel(merged), await fromModel(blendModels(models))];
  near(got.get("layers.0.weight")!.data, mean.get("layers.0.weight")!.data, "first matrix", 1e-3);
});

test("what is wrong is said", async () => {
  const model = initialiseModel({ family: "mlp", widths: [48, 3, 3] }, 1);
  const executor = loopExecutor();
  await rejects(() => inputGrams(model, madeUpImages(5, [2, 2, 3], 3), { executor }), RangeError, /expected/);
  const images = madeUpImages(5, [4, 4, 3], 3);
  await rejects(() => inputGrams(model, images, { executor, batch: 0 }), RangeError, /^batch 0/);
  const broken = { ...images, read: (start: number, end: number) => images.read(start, end).fill(Number.NaN) };
  await rejects(
    () => inputGrams(model, broken, { executor }),
    RangeError,
    /layers\.0\.weight reads has NaN or infinity/,
  );
});

test.run();
