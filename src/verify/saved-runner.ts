/** Runs models of TensorFlow.js and Keras by their own graphs, on inputs drawn once. */

import type { Model } from "../base/model.ts";
import { createRng } from "../base/rng.ts";
import { readGraph } from "../formats/operator-graph.ts";
import type { OperatorGraph, OperatorInput } from "../graph/operators.ts";
import { checkGiven, drawInputs, type GivenInput } from "../run/onnx/random-inputs.ts";
import type { TfConverter, TfLayers } from "../run/saved/loaders.ts";
import type { SavedInput, SavedNetwork, SavedValue } from "../run/saved/saved-network.ts";
import { withTensorFlow } from "../run/with-tensorflow.ts";
import { OPEN_SIZES } from "./open-sizes.ts";
import type { SpecRunner } from "./verify-spec.ts";

/** How inputs are drawn, and what loads the model. */
export interface SavedRunnerOptions {
  /** `@tensorflow/tfjs-converter`, for graph models. Loaded when it is first needed. */
  readonly converter?: TfConverter | undefined;
  /** `@tensorflow/tfjs-layers`, for models of layers and of Keras. Loaded when it is first needed. */
  readonly layers?: TfLayers | undefined;
  /** Of the inputs. Default 0. */
  readonly seed?: number | undefined;
  /** Sizes and values of inputs by name, where they are known. Others are drawn. */
  readonly inputs?: ReadonlyMap<string, GivenInput> | undefined;
}

/**
 * A runner for `verifySpec`: the network that a file of TensorFlow.js or Keras has, with changed tensors, on
 * TensorFlow.js. Inputs are drawn at random with the sizes of the file; sizes that it leaves open are tried until the
 * network runs. Outputs that are no floats are left out.
 *
 * @throws {Error} when a package of TensorFlow.js is not installed.
 * @throws {RangeError} for a model whose file has no network, and for `inputs` that the model does not have.
 * @throws {RangeError} from `run`, for layers that TensorFlow.js lacks and for what runs with no size tried.
 *
 * @example
 * const runner = await savedRunner(await openModel("model.json"));
 */
export async function savedRunner(model: Model, options: SavedRunnerOptions = {}): Promise<SpecRunner> {
  const { openSaved } = await withTensorFlow(() => import("../run/saved/open-saved.ts"));
  const graph = await readGraph(model);
  if (graph === undefined)
    throw new RangeError(`${model.name} has no network in its file, expected a model of TensorFlow.js or Keras`);
  let values: readonly ReadonlyMap<string, SavedValue>[] | undefined;
  return {
    async run(other, signal) {
      const network = await openSaved(other, options, signal);
      try {
        if (values !== undefined) return await runAll(other.name, network, values);
        checkGiven(model.name, network.inputs, options.inputs);
        const found = await firstRun(model, graph, network, options, signal);
        values = [found, smaller(found)];
        return await runAll(other.name, network, values);
      } finally {
        network.dispose();
      }
    },
  };
}

/** Large values saturate gates and softmaxes, and then nothing shows: every network runs on small ones, too. */
const SMALL = 1 / 16;

function smaller(values: ReadonlyMap<string, SavedValue>): ReadonlyMap<string, SavedValue> {
  return new Map(
    Array.from(values, ([name, value]): [string, SavedValue] => {
      const numbers = value.dtype === "float32" ? Array.from(value.data as ArrayLike<number>) : [];
      // Whole numbers are rows of tables.
      if (numbers.every((each) => Number.isInteger(each))) return [name, value];
      return [name, { ...value, data: numbers.map((each) => each * SMALL) }];
    }),
  );
}

async function runAll(
  name: string,
  network: SavedNetwork,
  sets: readonly ReadonlyMap<string, SavedValue>[],
): Promise<Float32Array[]> {
  const outputs: Float32Array[] = [];
  for (const values of sets) outputs.push(...(await network.run(values)));
  if (outputs.length > 0) return outputs;
  throw new RangeError(`${name} outputs ${network.outputs.join(", ")} are no floats, expected some that are`);
}

/** The first sizes with which the network runs. */
async function firstRun(
  model: Model,
  graph: OperatorGraph,
  network: SavedNetwork,
  options: SavedRunnerOptions,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, SavedValue>> {
  const isOpen = network.inputs.some(
    ({ name, shape }) => shape?.includes(undefined) !== false && options.inputs?.get(name)?.shape === undefined,
  );
  let fault: unknown;
  for (const [batch, free] of isOpen ? OPEN_SIZES : OPEN_SIZES.slice(0, 1)) {
    signal?.throwIfAborted();
    const values = drawValues(model, graph, network.inputs, options, batch, free);
    try {
      await runAll(model.name, network, [values]);
      return values;
    } catch (error) {
      fault ??= error;
    }
  }
  throw fault;
}

const DTYPES: Readonly<Record<string, string>> = { float32: "F32", int32: "I32", bool: "BOOL" };
/** Whole numbers of four axes are images. */
const drawnAs = ({ dtype, shape }: SavedInput): string =>
  dtype === "int32" && shape?.length === 4 ? "U8" : (DTYPES[dtype] ?? dtype);

/** What inputs are drawn as. */
class Drawn {
  readonly type: string;
  readonly data: ArrayLike<number>;
  readonly dims: readonly number[];
  constructor(type: string, data: ArrayLike<number>, dims: readonly number[]) {
    this.type = type;
    this.data = data;
    this.dims = dims;
  }
}

function drawValues(
  model: Model,
  graph: OperatorGraph,
  inputs: readonly SavedInput[],
  { seed = 0, inputs: given = new Map() }: SavedRunnerOptions,
  batch: number,
  free: number,
): Map<string, SavedValue> {
  const known = new Map(graph.inputs.map((input) => [input.name, input.shape]));
  const numbers = inputs.filter(({ dtype }) => dtype !== "string");
  const wanted = numbers.map((input): OperatorInput => {
    const { name, shape = known.get(name) } = input;
    return { name, dtype: drawnAs(input), shape };
  });
  const options = { runtime: { Tensor: Drawn }, seed, batch, free, given };
  const drawn = drawInputs({ ...graph, inputs: wanted }, model.tensors, options)[0] as Map<string, Drawn>;
  return new Map(
    inputs.map(({ name, dtype, shape }): [string, SavedValue] => {
      const value = drawn.get(name);
      return [
        name,
        value === undefined ? drawText(shape, batch, seed) : { dtype, shape: value.dims, data: value.data },
      ];
    }),
  );
}

/** Lower-case words, as many in a text as in a line of code. */
function drawText(shape: SavedInput["shape"], batch: number, seed: number): SavedValue {
  const rng = createRng(seed);
  const word = (): string =>
    Array.from({ length: 1 + rng.below(8) }, () => String.fromCharCode(97 + rng.below(26))).join("");
  const sizes = (shape ?? []).map((size) => size ?? batch);
  const count = sizes.reduce((product, size) => product * size, 1);
  const data = Array.from({ length: count }, () => Array.from({ length: 24 }, word).join(" "));
  return { dtype: "string", shape: sizes, data };
}
