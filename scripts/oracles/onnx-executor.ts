// Exports of the three families by PyTorch (onnx_exports.py) run by their own graphs in onnxruntime: evaluation, matching by activations and
// repairs give what TensorFlow.js gives for the checkpoints. Needs `npm ci --prefix test/peers`.
// node scripts/run.mjs scripts/oracles/onnx-executor.ts EXPORTS DATA a.safetensors b.safetensors [images] [norm-groups] [side]
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import type { Model } from "../../src/base/model.ts";
import { activationCosts } from "../../src/by-data/activation-costs.ts";
import { matchActivations } from "../../src/by-data/match-activations.ts";
import { firstImages } from "../../src/data/select.ts";
import { withNetworkNotes } from "../../src/families/network-notes.ts";
import { readFloats } from "../../src/kernels/read-floats.ts";
import { mergeModels } from "../../src/merge/merge-models.ts";
import { readDataFolder } from "../../src/node/data-folder.ts";
import { openModelFile } from "../../src/node/open-model.ts";
import { applyPermutations } from "../../src/perm/apply-permutations.ts";
import { chooseSpec } from "../../src/plan/rebasin.ts";
import { repairModel } from "../../src/repair/repair-model.ts";
import type { RepairKind } from "../../src/repair/report.ts";
import { runsOnnx } from "../../src/run/executor.ts";
import { executorFor, graphOf } from "../../src/run/models/model-graph.ts";
import { scoreModel } from "../../src/run/models/score-model.ts";
import { onnxExecutor } from "../../src/run/onnx/executor.ts";

const [folder, dataFolder, pathA, pathB, count = "500", groups, side] = process.argv.slice(2) as string[];
const runtime = createRequire(join(process.cwd(), "test/peers/package.json"))("onnxruntime-web");
runtime.env.wasm.numThreads = 1;
const executor = onnxExecutor({ runtime });
const notes = groups === undefined ? {} : { normGroups: Number(groups) };
const checkpoint = async (path: string): Promise<Model> => withNetworkNotes(await openModelFile(path), notes);
const exported = (path: string): Promise<Model> =>
  openModelFile(join(folder!, `${basename(path, ".safetensors")}.onnx`));
const [a, b] = [await checkpoint(pathA!), await checkpoint(pathB!)];
const [onnxA, onnxB] = [await exported(pathA!), await exported(pathB!)];
const inputSize = side === undefined ? undefined : Number(side);
const train = firstImages(
  await readDataFolder(dataFolder!, { split: "train", limit: Number(count), inputSize }),
  Number(count),
);
const test = await readDataFolder(dataFolder!, { split: "test", limit: 2000, inputSize });

let wrong = 0;
const say = (good: boolean, text: string): void => {
  console.log(`${good ? "ok   " : "WRONG"} ${text}`);
  wrong += good ? 0 : 1;
};
async function timed<T>(work: () => Promise<T>): Promise<[T, string]> {
  const before = process.cpuUsage();
  const found = await work();
  const { user, system } = process.cpuUsage(before);
  return [found, `${((user + system) / 1e6).toFixed(1)} s`];
}

/** The largest difference of a tensor, relative to its largest number. */
async function apart(x: Model, y: Model): Promise<number> {
  let worst = 0;
  for (const name of y.tensors.keys()) {
    if (!x.tensors.has(name) || y.tensors.get(name)!.dtype !== "F32") continue;
    const [p, q] = [await readFloats(x, name), await readFloats(y, name)];
    const largest = q.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);
    worst = q.reduce((most, value, i) => Math.max(most, Math.abs(value - p[i]!) / largest), worst);
  }
  return worst;
}

const graph = await graphOf(onnxA);
const own = runsOnnx(await executorFor(onnxA, undefined)) ? "onnxruntime" : "TensorFlow.js";
const others = new Set(graph.operations.flatMap(({ kind }) => (kind.op === "other" ? [kind.kind] : [])));
console.log(
  `${basename(pathA!)}: runs on ${own} by default; others ${[...others].join(", ") || "none"}; left out: ${graph.leftOut?.join("; ") || "none"}`,
);

for (const [model, onnx] of [
  [a, onnxA],
  [b, onnxB],
] as const) {
  const [x, timeX] = await timed(() => scoreModel(onnx, test, { executor }));
  const [y, timeY] = await timed(() => scoreModel(model, test));
  const same = Math.abs(x.loss - y.loss) < 1e-5 && Math.abs(x.accuracy - y.accuracy) <= 1 / test.count;
  say(
    same,
    `evaluation: loss ${x.loss.toFixed(6)} and ${y.loss.toFixed(6)}, accuracy ${x.accuracy} and ${y.accuracy} (${timeX}, ${timeY})`,
  );
}

const spec = await chooseSpec("auto", a);
const onnxSpec = await chooseSpec("auto", onnxA);
const [costs, time] = await timed(() => activationCosts(onnxA, onnxB, onnxSpec, train, { executor }));
const [wanted, wantedTime] = await timed(() => activationCosts(a, b, spec, train));
const [match, plain] = [
  await matchActivations(onnxA, onnxB, onnxSpec, train, { costs, executor }),
  await matchActivations(a, b, spec, train, { costs: wanted }),
];
// Where the two groups' names differ, their order in the file is the same.
let [differing, units, lost] = [0, 0, 0];
const pairs = [...plain.permutations].map(
  ([name, p], at) => [wanted.get(name), p, [...match.permutations.values()][at]!] as const,
);
for (const [matrix, p, q] of pairs) {
  units += p.length;
  for (const [i, j] of p.entries()) if (j !== q[i]) differing++;
  lost += p.reduce((sum, j, i) => sum + ((matrix?.[i * p.length + j] ?? 0) - (matrix?.[i * p.length + q[i]!] ?? 0)), 0);
}
say(
  Math.abs(lost) < 1e-5 * units,
  `matching by activations: ${differing} of ${units} units differ, by ${lost.toExponential(1)} of the sum of correlations (${time}, ${wantedTime})`,
);

const alignedB = await applyPermutations(b, spec, plain.permutations);
// The same permutations for both: units that none of the images moves are matched anyhow.
const same = new Map([...match.permutations.keys()].map((name, at) => [name, pairs[at]![1]]));
const onnxAligned = await applyPermutations(onnxB, onnxSpec, same);
const merged = await mergeModels(a, alignedB, spec, new Map());
const onnxMerged = await mergeModels(onnxA, onnxAligned, onnxSpec, new Map());
const hasNorm = graph.operations.some(({ kind }) => kind.op === "batch-norm");
for (const kind of [
  "least-squares",
  "repair",
  ...(hasNorm ? (["bn-reset"] as const) : []),
] as const satisfies RepairKind[]) {
  const [x, timeX] = await timed(() => repairModel(onnxMerged, [onnxA, onnxAligned], train, { kind, executor }));
  const [y, timeY] = await timed(() => repairModel(merged, [a, alignedB], train, { kind }));
  const [scoreX, scoreY] = [await scoreModel(x.model, test, { executor }), await scoreModel(y.model, test)];
  const far = await apart(x.model, y.model);
  say(
    Math.abs(scoreX.loss - scoreY.loss) < 1e-3 && Math.abs(scoreX.accuracy - scoreY.accuracy) <= 2 / test.count,
    `${kind}: loss ${scoreX.loss.toFixed(5)} and ${scoreY.loss.toFixed(5)}, accuracy ${scoreX.accuracy} and ${scoreY.accuracy}, tensors apart by ${far.toExponential(1)} (${timeX}, ${timeY})`,
  );
}
process.exitCode = wrong > 0 ? 1 : 0;
