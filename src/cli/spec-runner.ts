/** What runs a model to prove its spec. */

import type { Model } from "../base/model.ts";
import { readGraph } from "../formats/operator-graph.ts";
import type { AlignedPair } from "../perm/pair.ts";
import type { GivenInput } from "../run/onnx/random-inputs.ts";
import type { SpecRunner } from "../verify/verify-spec.ts";
import type { CommandContext } from "./command.ts";
import { type OpenGraph, withGraph } from "./graph-option.ts";
import { detectOptions, type InputValues, type SpecValues } from "./models.ts";
import { UsageError } from "./option.ts";

/** How inputs are drawn. */
export interface DrawnInputs {
  readonly seed: number;
  /** Sizes of inputs by name. */
  readonly shape?: ReadonlyMap<string, readonly number[]> | undefined;
  /** Values of inputs by name. */
  readonly value?: ReadonlyMap<string, readonly number[]> | undefined;
}

/** What runs a model, and its name. */
export interface FoundRunner {
  readonly runner: SpecRunner;
  readonly on: string;
  readonly dispose?: (() => void) | undefined;
}

/** What runs the model: the network of its file or of the graph's, or that of a family that is known by names. */
export async function runnerFor(
  context: Pick<CommandContext<Partial<SpecValues & InputValues>>, "options">,
  { seed, shape = new Map(), value = new Map() }: DrawnInputs,
  model: Model,
  graph: OpenGraph | undefined,
): Promise<FoundRunner> {
  const file = graph?.file ?? model;
  const isOnnx = file.origin?.format === "onnx";
  if (isOnnx || (await readGraph(file)) !== undefined) {
    const inputs = new Map<string, GivenInput>();
    for (const name of [...shape.keys(), ...value.keys()])
      inputs.set(name, { shape: shape.get(name), values: value.get(name) });
    const runner = isOnnx
      ? await (await import("../verify/onnx-runner.ts")).onnxRunner(file, { seed, inputs })
      : await (await import("../verify/saved-runner.ts")).savedRunner(file, { seed, inputs });
    const on = isOnnx ? "onnxruntime" : "TensorFlow.js";
    if (graph === undefined) return { runner, on };
    const { linkedRunner } = await import("../verify/linked-runner.ts");
    return { runner: linkedRunner(file, graph.links, runner), on };
  }
  if (shape.size + value.size > 1 || value.size > 0)
    throw new UsageError(`--value with ${model.name}, which has no graph, expected a model with one or --graph`);
  const [images] = shape.values();
  if (images !== undefined && images.length !== 3)
    throw new UsageError(`--shape ${images.join("x")} of images, expected NAME=HEIGHTxWIDTHxCHANNELS`);
  const { familyRunner } = await import("../verify/family-runner.ts");
  const size = images as [number, number, number] | undefined;
  const runner = await familyRunner(model, {
    ...detectOptions(context as CommandContext<Partial<SpecValues & InputValues>>),
    seed,
    images: size,
  });
  return { runner, on: "TensorFlow.js", dispose: runner.dispose };
}

/** The largest change of an output that counts as none, relative to its largest number. */
const TOLERANCE = 1e-4;

/**
 * Runs B before and after its units are renumbered as it was aligned. Resolves to how far outputs are apart.
 * Rejects with `SpecError` when that is more than rounding: the spec is wrong.
 */
export async function checkAligned(
  context: CommandContext<SpecValues & Partial<InputValues>>,
  { b, spec, permutations }: AlignedPair,
): Promise<{ readonly deviation: number; readonly runtime: string }> {
  const { options, signal } = context;
  const check = async (graph?: OpenGraph): Promise<{ deviation: number; runtime: string }> => {
    const { requireSameFunction } = await import("../verify/verify-alignment.ts");
    const { runner, on, dispose } = await runnerFor(context, { seed: 0 }, b, graph);
    try {
      return { deviation: await requireSameFunction(b, spec, permutations, runner, TOLERANCE, signal), runtime: on };
    } finally {
      dispose?.();
    }
  };
  return options.graph === undefined ? check() : withGraph(options.graph, b, signal, check);
}
