/** Blends of small tensors against figures computed by hand. */

import { suite } from "uvu";
import type { BlendSettings } from "../../../src/merge/blends/blend.ts";
import type { BlendName } from "../../../src/merge/blends/blends.ts";
import { blended } from "../../reference/blend-cases.ts";
import { near } from "../../reference/near.ts";

const test = suite("blends, figures by hand");

test("linear, task_arithmetic, ties, sce", async () => {
  const [a, b] = [
    [1, 2],
    [3, -2],
  ];
  near(await blended("linear", [a, b]), [2, 0], "linear");
  near(await blended("linear", [a, b], { settings: { weights: [3, 1] } }), [1.5, 1], "linear");
  near(await blended("linear", [a, b], { settings: { weights: [3, 1], normalize: false } }), [6, 4], "linear");
  const base = [1, 1, 1, 1];
  const [x, y] = [
    [1.5, 2, 1, 0],
    [0, 3, 1.25, 0.5],
  ];
  // Differences ½, 1, 0, −1 and −1, 2, ¼, −½.
  near(await blended("task_arithmetic", [x, y], { base }), [0.5, 4, 1.25, -0.5], "task_arithmetic");
  near(
    await blended("task_arithmetic", [x, y], { base, settings: { weights: [2, 1], taskScale: 0.5 } }),
    [1, 3, 1.125, -0.25],
    "task_arithmetic",
  );
  // Signs −, +, +, −: −1, (1 + 2)/2, ¼, (−1 − ½)/2.
  near(await blended("ties", [x, y], { base }), [0, 2.5, 1.25, 0.25], "ties");
  // The larger half: 1, −1 and −1, 2.
  near(await blended("ties", [x, y], { base, settings: { density: 0.5 } }), [0, 2.5, 1, 0], "ties, half");
  // Mean squares 2.25/4 and 5.3125/4; agreeing: −1; (2.25·1 + 5.3125·2)/7.5625; ¼; −(2.25·1 + 5.3125·½)/7.5625.
  const [w, v] = [2.25 / 7.5625, 5.3125 / 7.5625];
  near(await blended("sce", [x, y], { base }), [0, 1 + w + 2 * v, 1.25, 1 - w - v / 2], "sce", 1e-12);
});

test("thinning out", async () => {
  const base = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  const model = [1, -2, 3, -4, 5, -6, 7, -8, 9, -10];
  const of = (blend: BlendName, settings: BlendSettings) => blended(blend, [model], { base, settings });
  near(await of("ties", { density: 0.2 }), [0, 0, 0, 0, 0, 0, 0, 0, 9, -10], "largest fifth");
  near(await of("ties", { density: 0.2, rescale: "density" }), [0, 0, 0, 0, 0, 0, 0, 0, 45, -50], "by density");
  // ‖δ‖₁ is 55 before, 19 after.
  const norm = [0, 0, 0, 0, 0, 0, 0, 0, (9 * 55) / 19, (-10 * 55) / 19];
  near(await of("ties", { density: 0.2, rescale: "norm" }), norm, "by norm", 1e-12);
  near(await of("breadcrumbs", { density: 0.5, gamma: 0.2 }), [0, 0, 0, -4, 5, -6, 7, -8, 0, 0], "without outliers");
  // Shares above 1 together: three of the largest would go, only one may.
  near(await of("breadcrumbs", { density: 0.9, gamma: 0.3 }), [1, -2, 3, -4, 5, -6, 7, -8, 9, 0], "too many outliers");
  // A share of the largest below one element drops none (mergekit would drop all).
  near(await of("breadcrumbs", { density: 0.9, gamma: 0.01 }), [0, -2, 3, -4, 5, -6, 7, -8, 9, -10], "none of them");
  near(await of("ties", { density: 0.01 }), [0, 0, 0, 0, 0, 0, 0, 0, 0, -10], "one at least");
  near(await of("dare_linear", { density: 0 }), base, "none");
});

test("angles", async () => {
  near(
    await blended("slerp", [
      [2, 0],
      [0, 2],
    ]),
    [Math.SQRT2, Math.SQRT2],
    "slerp",
    1e-12,
  );
  near(
    await blended("nuslerp", [
      [2, 0],
      [0, 2],
    ]),
    [Math.SQRT2, Math.SQRT2],
    "nuslerp",
    1e-12,
  );
  // A third of a right angle; lengths are mixed as the weights are.
  const third = { settings: { weights: [2, 1] } };
  near(
    await blended(
      "nuslerp",
      [
        [1, 0],
        [0, 1],
      ],
      third,
    ),
    [Math.sqrt(3) / 2, 0.5],
    "nuslerp, a third",
    1e-12,
  );
  // Three axes: the direction of (1, 1, 1) at the mean length.
  const axes = [
    [3, 0, 0],
    [0, 3, 0],
    [0, 0, 3],
  ];
  near(await blended("karcher", axes), [Math.sqrt(3), Math.sqrt(3), Math.sqrt(3)], "karcher", 1e-12);
  near(
    await blended("karcher", [
      [2, 0],
      [0, 4],
    ]),
    [3 / Math.SQRT2, 3 / Math.SQRT2],
    "karcher",
    1e-12,
  );
  // At 60°, c = ½: t = 2·½/(1 + ½) = ⅔ of the mean difference (¾, √3/4).
  const at60 = [
    [2, 1],
    [1.5, 1 + Math.sqrt(3) / 2],
  ];
  near(await blended("model_stock", at60, { base: [1, 1] }), [1.5, 1 + Math.sqrt(3) / 6], "model_stock", 1e-12);
  // Opposite differences leave the base.
  near(
    await blended(
      "model_stock",
      [
        [2, 0],
        [0, 0],
      ],
      { base: [1, 0] },
    ),
    [1, 0],
    "model_stock, opposite",
  );
});

test("matrices", async () => {
  // Σδ = diag(3, 1): both singular values become 2.
  const base = [1, 1, 1, 1];
  const models = [
    [3, 1, 1, 1],
    [2, 1, 1, 2],
  ];
  near(await blended("iso_c", models, { base, shape: [2, 2] }), [3, 1, 1, 3], "iso_c", 1e-12);
  near(await blended("iso_c", models, { base }), [2.5, 1, 1, 1.5], "iso_c of a vector", 1e-12);
  // One input, Gram numbers 1 and 3: the weighted mean.
  const grams = async (_: string, i: number) => Float64Array.of(1 + 2 * i);
  near(await blended("regmean", [[4], [8]], { shape: [1, 1], grams }), [7], "regmean", 1e-5);
  const none = async () => undefined;
  near(await blended("regmean", [[4], [8]], { shape: [1, 1], grams: none }), [6], "regmean without a Gram", 1e-12);
});

test.run();
