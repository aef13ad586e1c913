// Are reasons for frozen axes true? A sample of every reason in real models: two units exchanged on the axis, and on it with axes of
// the same size near it, must change what onnxruntime computes. Models as for verify-models.ts.
// npm ci --prefix test/peers && node scripts/run.mjs scripts/oracles/frozen-models.ts models [WORD in the path ...]
import { readdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { resolveSpec } from "../../src/axes/resolve-spec.ts";
import { DTYPES, isFloat } from "../../src/base/dtype.ts";
import type { Model } from "../../src/base/model.ts";
import { createRng, type Rng } from "../../src/base/rng.ts";
import { readGraph } from "../../src/formats/operator-graph.ts";
import type { FrozenAxis } from "../../src/infer/frozen-axes.ts";
import { inferSpec } from "../../src/infer/infer-spec.ts";
import { openModelFile } from "../../src/node/open-model.ts";
import type { OnnxRuntime } from "../../src/run/onnx/runtime.ts";
import { onnxRunner } from "../../src/verify/onnx-runner.ts";
import { largestDeviation } from "../../src/verify/outputs.ts";
import { varyConstants } from "../../src/verify/vary-constants.ts";

const runtime = createRequire(join(process.cwd(), "test/peers/package.json"))("onnxruntime-web") as OnnxRuntime;
runtime.env.wasm.numThreads = 1;
runtime.env.logLevel = "fatal";

/** Axes of one reason, tries for each, and how many tensors before and after the axis' own are near it. */
const [AXES, TRIES, NEAR] = [3, 6, 12];
/** Below this, outputs are the same: rounding of sums in another order is about 1e-6. */
const SAME = 2e-5;

interface Place {
  readonly tensor: string;
  readonly axis: number;
}

/** The model with units i and j exchanged on these axes. */
function exchanged(model: Model, places: readonly Place[], i: number, j: number): Model {
  const read: Model["read"] = async (name, signal, into) => {
    const own = places.filter(({ tensor }) => tensor === name);
    if (own.length === 0) return model.read(name, signal, into);
    const { shape, dtype } = model.tensors.get(name)!;
    let bytes = Uint8Array.from(await model.read(name, signal));
    for (const { axis } of own) {
      const inner = shape.slice(axis + 1).reduce((product, size) => product * size, DTYPES[dtype].bits / 8);
      const next = bytes.slice();
      for (let block = 0; block < bytes.length; block += inner * shape[axis]!) {
        next.set(bytes.subarray(block + j * inner, block + (j + 1) * inner), block + i * inner);
        next.set(bytes.subarray(block + i * inner, block + (i + 1) * inner), block + j * inner);
      }
      bytes = next;
    }
    return bytes;
  };
  return { ...model, read };
}

/** Subsets of the axes of that size near a frozen one, which each has it. */
function* subsets(model: Model, { tensor, axis }: FrozenAxis, rng: Rng): Generator<Place[]> {
  const names = [...model.tensors.keys()];
  const at = names.indexOf(tensor);
  const size = model.tensors.get(tensor)!.shape[axis]!;
  const near = names
    .slice(Math.max(0, at - NEAR), at + NEAR + 1)
    .filter((name) => isFloat(model.tensors.get(name)!.dtype))
    .flatMap((name) => model.tensors.get(name)!.shape.map((own, k) => ({ tensor: name, axis: k, own })))
    .filter((place) => place.own === size && !(place.tensor === tensor && place.axis === axis));
  yield [{ tensor, axis }];
  yield [{ tensor, axis }, ...near];
  for (let left = near.length === 0 ? 0 : TRIES - 2; left > 0; left--)
    yield [{ tensor, axis }, ...near.filter(() => rng.below(2) === 0).slice(0, 5)];
}

/** Axes to try: a few of every reason, whole ones first. */
function sampled(model: Model, frozen: readonly FrozenAxis[], rng: Rng): FrozenAxis[] {
  const byReason = new Map<string, FrozenAxis[]>();
  for (const each of frozen) {
    if (!isFloat(model.tensors.get(each.tensor)!.dtype) || each.until - each.from < 2) continue;
    byReason.set(each.reason, [...(byReason.get(each.reason) ?? []), each]);
  }
  return [...byReason.values()].flatMap((list) =>
    Array.from({ length: Math.min(AXES, list.length) }, () => list.splice(rng.below(list.length), 1)[0]!),
  );
}

async function checkOne(path: string): Promise<number> {
  const file = await openModelFile(path);
  const { spec, frozen } = await inferSpec((await readGraph(file))!, file);
  const { model } = await varyConstants(file, resolveSpec(spec, file.tensors), 0);
  const runner = await onnxRunner(file, { runtime });
  const before = await runner.run(model);
  const rng = createRng(1);
  let wrong = 0;
  const counts = new Map<string, [changed: number, tried: number]>();
  for (const each of sampled(model, frozen, rng)) {
    const count = each.until - each.from;
    const i = each.from + rng.below(count);
    const j = each.from + ((i - each.from + 1 + rng.below(count - 1)) % count);
    const tally = counts.get(each.reason) ?? [0, 0];
    counts.set(each.reason, tally);
    for (const places of subsets(model, each, rng)) {
      const off = largestDeviation(before, await runner.run(exchanged(model, places, i, j)));
      tally[1]++;
      if (off > SAME) {
        tally[0]++;
        continue;
      }
      wrong++;
      console.log(
        `same  ${each.reason}: units ${i} and ${j} of ${places.map((p) => `${p.tensor} ${p.axis}`).join(" + ")}`,
      );
    }
  }
  const words = [...counts].map(([reason, [changed, tried]]) => `${reason} ${changed}/${tried}`);
  console.log(`${path.split("/").at(-1)}: ${words.join("; ")}`);
  await file.close?.();
  return wrong;
}

const [folder, ...words] = process.argv.slice(2);
const paths = (readdirSync(folder!, { recursive: true }) as string[])
  .map((path) => join(folder!, path))
  .filter((path) => path.endsWith(".onnx") && statSync(path).isFile() && words.every((word) => path.includes(word)))
  .sort();
let wrong = 0;
for (const path of paths) wrong += await checkOne(path);
console.log(`${paths.length} models, ${wrong} exchanges changed nothing`);
