/** Runs models of the families whose graphs are known by names, on images drawn once. */

import type { Model } from "../base/model.ts";
import { createRng } from "../base/rng.ts";
import type { DescribeOptions } from "../families/describe-graph.ts";
import { describeGraph } from "../families/describe-graph.ts";
import type { Graph } from "../graph/graph.ts";
import { valueShapes } from "../graph/value-shapes.ts";
import type { Executor, Network, Value } from "../run/executor.ts";
import { executorOf } from "../run/models/default-executor.ts";
import type { SpecRunner } from "./verify-spec.ts";

/** How a network runs. */
export interface FamilyRunnerOptions extends DescribeOptions {
  /** What runs it. Default: `tfExecutor`, TensorFlow.js, loaded when it is first needed. */
  readonly executor?: Executor | undefined;
  /** Of the images. Default 0. */
  readonly seed?: number | undefined;
  /** Images as [height, width, channels]. By default usual sizes are tried. */
  readonly images?: readonly [number, number, number] | undefined;
}

/** A runner that holds a network: dispose it. */
export interface FamilyRunner extends SpecRunner {
  /** Frees the network. Safe to call twice. */
  dispose(): void;
}

const IMAGES = 4;
/** Sides of usual data sets. */
const SIDES = [28, 32, 64, 96, 128, 224];

/**
 * A runner for `verifySpec` of models whose family is known by names (MLP, VGG, ResNet), on random images.
 *
 * @throws {RangeError} for a model of no known family, and for images of another size than it takes.
 * @throws {Error} when TensorFlow.js is not installed.
 *
 * @example
 * const runner = await familyRunner(model);
 * const { kept } = await verifySpec(model, await detectSpec(model), runner);
 * runner.dispose();
 */
export async function familyRunner(model: Model, options: FamilyRunnerOptions = {}): Promise<FamilyRunner> {
  const { executor, seed = 0, images, ...told } = options;
  const graph = await describeGraph(model, told);
  const size = images ?? imageSize(graph, model);
  valueShapes(graph, model.tensors, size);
  const runs = await executorOf(executor);
  const rng = createRng(seed);
  const shape = [IMAGES, ...size];
  const data = Float32Array.from({ length: IMAGES * size[0] * size[1] * size[2] }, () => 2 * rng.uniform() - 1);
  const inputs = new Map<string, Value>([["input", { shape, data }]]);
  let network: Network | undefined;
  return {
    async run(other, signal) {
      signal?.throwIfAborted();
      if (network === undefined) network = await runs.open(other, { graph });
      else await network.load(other);
      const values = await network.run(inputs, new Set([graph.output]));
      return [values.get(graph.output)!.data];
    },
    dispose() {
      network?.dispose();
      network = undefined;
    },
  };
}

/** The first size of images that the network takes: as many numbers as its first matrix reads, or a usual one. */
function imageSize(graph: Graph, { name, tensors }: Model): readonly [number, number, number] {
  const channels = new Set([1, 3]);
  const sizes: (readonly [number, number, number])[] = [];
  for (const { kind } of graph.operations) {
    if (kind.op === "conv") channels.add(tensors.get(kind.weight)!.shape.at(kind.layout === "oihw" ? 1 : -2)!);
    if (kind.op === "dense") sizes.push([1, 1, tensors.get(kind.weight)!.shape.at(kind.layout === "out-in" ? 1 : 0)!]);
    if (kind.op === "conv" || kind.op === "dense") break;
  }
  for (const side of SIDES) for (const each of [...channels].reverse()) sizes.push([side, side, each]);
  for (const size of sizes) {
    try {
      valueShapes(graph, tensors, size);
      return size;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  throw new RangeError(
    `${name} takes images of no usual size, expected their size: images, or --shape image=HEIGHTxWIDTHxCHANNELS`,
  );
}
