/** The laws of inference on random models of layers, which TensorFlow.js makes and runs. */

import { resolveSpec } from "../../src/axes/resolve-spec.ts";
import { createRng } from "../../src/base/rng.ts";
import { openModel } from "../../src/formats/open-model.ts";
import { readGraph } from "../../src/formats/operator-graph.ts";
import type { OperatorGraph } from "../../src/graph/operators.ts";
import { inferSpec } from "../../src/infer/infer-spec.ts";
import type { TfLayers } from "../../src/run/saved/loaders.ts";
import { savedRunner } from "../../src/verify/saved-runner.ts";
import { verifySpec } from "../../src/verify/verify-spec.ts";
import { memoryFiles } from "./memory-files.ts";
import { fromModel, type Tensors } from "./networks.ts";
import { ndArray } from "./operators/arrays.ts";
import { deviation, stuckAxesOf } from "./operators/graph-laws.ts";
import { RUN_KINDS, runGraph } from "./operators/run-graph.ts";
import { gaussian } from "./random.ts";
import { type LayersPackage, randomLayers, savedFiles } from "./random-layers.ts";

/** What became of one model. */
export interface LayerCheck {
  readonly parts: readonly string[];
  /** How far outputs are off when every group is renumbered; undefined where nothing moves. */
  readonly off: number | undefined;
  /** How far plain loops over our graph are from what TensorFlow.js computes; undefined where they lack an operator. */
  readonly apart: number | undefined;
  /** Axes that are frozen although two units could change places. */
  readonly stuck: readonly string[];
}

/** Whether plain loops have all operators. Of a transposed convolution they know no padding by name. */
const runs = ({ operators }: OperatorGraph): boolean =>
  operators.every(({ kind }) => RUN_KINDS.includes(kind) && kind !== "ConvTranspose");

function loops(graph: OperatorGraph, tensors: Tensors, shape: readonly number[], input: readonly number[]): number[] {
  const arrays = new Map([...tensors].map(([name, { shape: own, data }]) => [name, ndArray(own, data)] as const));
  return runGraph(graph, arrays, new Map([[graph.inputs[0]!.name, ndArray(shape, input)]])).flatMap(({ data }) => [
    ...data,
  ]);
}

/**
 * Makes the model of a seed, saves it, infers its spec, and runs it renumbered. With `subsets`, so many ways to
 * exchange two units are tried for every frozen axis that no input decides.
 */
export async function checkLayers(packages: LayersPackage, seed: number, subsets = 0): Promise<LayerCheck> {
  const { tf, tfl } = packages;
  const rng = createRng(seed);
  const { model: made, parts } = randomLayers(packages, rng);
  try {
    const model = await openModel(memoryFiles(await savedFiles(made)));
    const graph = (await readGraph(model))!;
    const { spec, frozen } = await inferSpec(graph, model);
    const moves = resolveSpec(spec, model.tensors).permutations.length > 0;
    const runner = await savedRunner(model, { layers: tfl as TfLayers });
    const off = moves ? (await verifySpec(model, spec, runner, { each: false, seed })).deviation : undefined;
    const shape = [2, ...made.inputs[0].shape.slice(1)] as number[];
    const count = shape.reduce((product, size) => product * size, 1);
    const drawn = Array.from({ length: count }, () => (parts[0] === "embedding" ? rng.below(7) : gaussian(rng)));
    const input = tf.tensor(drawn, shape);
    const tensors = await fromModel(model);
    const run = async (changed: Tensors): Promise<number[]> => {
      const values = made.weights.map(({ originalName }: { originalName: string }) => {
        const { data, shape: own } = changed.get(originalName)!;
        return tf.tensor(data, own);
      });
      made.setWeights(values);
      const outputs = [made.predictOnBatch(input)].flat();
      const found = outputs.flatMap((output) => [...output.dataSync()] as number[]);
      tf.dispose([values, outputs]);
      return found;
    };
    const apart = runs(graph) ? deviation(loops(graph, tensors, shape, drawn), await run(tensors)) : undefined;
    if (subsets === 0) return { parts, off, apart, stuck: [] };
    // Inputs that the drawn weights do not let through are no fault of inference.
    const told = frozen.filter(({ reason }) => !/^inputs keep|gathered by numbers/.test(reason));
    const network = { tensors, frozen: told, tolerance: 1e-6, run };
    return { parts, off, apart, stuck: await stuckAxesOf(network, rng, subsets) };
  } finally {
    made.dispose();
  }
}
