/** Commands that look at images, with ONNX networks that onnxruntime alone runs. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Model } from "../../src/base/model.ts";
import { createRng } from "../../src/base/rng.ts";
import { matchActivations } from "../../src/by-data/match-activations.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import { openModel } from "../../src/formats/open-model.ts";
import { mergeModels } from "../../src/merge/merge-models.ts";
import { readDataFolder } from "../../src/node/data-folder.ts";
import { readPermutations } from "../../src/perm/permutation-file.ts";
import { chooseSpec } from "../../src/plan/rebasin.ts";
import { evaluateModel } from "../../src/run/models/evaluate-model.ts";
import { onnxExecutor } from "../../src/run/onnx/executor.ts";
import { idxFile } from "../reference/data-files.ts";
import { firstDifference } from "../reference/first-difference.ts";
import { type Oddness, twinOnnx } from "../reference/onnx-odd.ts";
import { onnxRuntime, path, runBeside, runJsonBeside, withPeers } from "./peer.ts";

const test = suite("images with ONNX networks, on the command line");
const open = (name: string): Promise<Model> => openModel(new Uint8Array(readFileSync(path(name))), { name });
const executor = () => onnxExecutor({ runtime: onnxRuntime() });
const DATA = ["--data", path("odd-images")];

/** A pair of networks, and 60 images of either split in a folder. */
function write(oddness: Oddness = {}): void {
  for (const [name, seed] of [
    ["odd-a.onnx", 1],
    ["odd-b.onnx", 2],
  ] as const)
    writeFileSync(path(name), twinOnnx(seed, { odd: true, channels: 1, ...oddness }));
  mkdirSync(path("odd-images"), { recursive: true });
  const rng = createRng(9);
  for (const split of ["train", "t10k"]) {
    const pixels = Uint8Array.from({ length: 60 * 64 }, () => rng.below(256));
    const labels = Uint8Array.from({ length: 60 }, (_, i) => i % 4);
    writeFileSync(path(`odd-images/${split}-images-idx3-ubyte`), idxFile([60, 8, 8], pixels));
    writeFileSync(path(`odd-images/${split}-labels-idx1-ubyte`), idxFile([60], labels));
  }
}

const images = (split: "train" | "test"): Promise<Dataset> => readDataFolder(path("odd-images"), { split });

withPeers(test, "evaluate, match and merge give what the library gives", async () => {
  write();
  const [a, b] = [await open("odd-a.onnx"), await open("odd-b.onnx")];
  const found = await runJsonBeside(0, "evaluate", path("odd-a.onnx"), ...DATA);
  const wanted = await evaluateModel(a, await images("test"), { executor: executor() });
  assert.is(found.loss, wanted.loss);
  assert.is(found.accuracy, wanted.accuracy);
  const words = [path("odd-a.onnx"), path("odd-b.onnx"), ...DATA, "--method", "activations", "--force"];
  const json = await runJsonBeside(0, "match", ...words, "-o", path("odd.safetensors"));
  assert.equal([json.method, json.images, json.unseen], ["activations", 60, []]);
  const spec = await chooseSpec("auto", a);
  const { permutations } = await matchActivations(a, b, spec, await images("train"), { executor: executor() });
  assert.is(firstDifference((await readPermutations(await open("odd.safetensors"))).permutations, permutations), null);
  await runJsonBeside(0, "merge", ...words, "-o", path("odd-m.onnx"));
  const merged = await mergeModels(a, b, spec, permutations);
  const loss = async (model: Model): Promise<number> =>
    (await evaluateModel(model, await images("test"), { executor: executor() })).loss;
  assert.is(await loss(await open("odd-m.onnx")), await loss(merged));
});

withPeers(test, "curves and repairs: the merge is an ONNX file that runs", async () => {
  write({ layout: "nhwc" });
  const words = [path("odd-a.onnx"), path("odd-b.onnx"), ...DATA, "--force-repair", "--layout", "nhwc"];
  const curve = await runJsonBeside(0, "curve", ...words, "--points", "3", "--repair", "bn-reset");
  const { naive, repaired } = curve.test;
  const { loss } = await evaluateModel(await open("odd-a.onnx"), await images("test"), { executor: executor() });
  assert.is(naive.loss[0], loss);
  assert.is(repaired.loss.length, 3);
  for (const kind of ["least-squares", "repair"]) {
    const out = path(`odd-${kind}.onnx`);
    const json = await runJsonBeside(0, "merge", ...words, "-o", out, "--force", "--repair", kind);
    assert.is(json.repair.kind, kind);
    assert.equal(json.repair.leftOut, []);
    const file = await runJsonBeside(0, "evaluate", out, ...DATA);
    assert.ok(file.loss > 0 && file.loss < 10);
  }
});

withPeers(test, "what cannot run is refused in one line with a way on", async () => {
  write();
  await runBeside("convert", path("odd-a.onnx"), path("odd-a.safetensors"), "--force");
  const both = [path("odd-a.onnx"), path("odd-b.onnx")];
  const cases: readonly (readonly [words: readonly string[], code: number, message: RegExp])[] = [
    [
      ["evaluate", both[0]!, ...DATA, "--input", "image"],
      1,
      /^rebasin: .*odd-a\.onnx has no input image, expected one of x$/m,
    ],
    [["evaluate", both[0]!, ...DATA, "--layout", "nhwc"], 1, /its input x takes 1×8×8, read as nhwc/],
    [
      [
        ...["match", path("odd-a.safetensors"), both[1]!, ...DATA, "--method", "activations"],
        ...["-o", path("p.safetensors"), "--layout", "nchw"],
      ],
      1,
      /odd-a\.safetensors is no ONNX network, expected no layout of one: leave --layout out$/m,
    ],
    [
      ["match", ...both, ...DATA, "-o", path("p.safetensors"), "--method", "straight-through"],
      1,
      /ThresholdedRelu, which TensorFlow\.js does not run here; onnxruntime does, but has no gradients: match by weights or activations$/m,
    ],
    [["match", ...both, "-o", path("p.safetensors"), "--layout", "nchw"], 2, /^rebasin: --layout nchw has no --data/m],
  ];
  for (const [words, code, message] of cases) {
    const ran = await runBeside(...words);
    assert.match(ran.stderr, message);
    assert.is(ran.code, code, ran.stderr);
    assert.is(ran.stderr.trim().split("\n").length, code === 2 ? 2 : 1, ran.stderr);
  }
});

test.run();
