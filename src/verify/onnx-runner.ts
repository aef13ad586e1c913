/** Runs models of one ONNX graph, on inputs drawn once. */

import type { Model } from "../base/model.ts";
import type { OnnxContainer } from "../formats/onnx/open-onnx.ts";
import { readGraph } from "../formats/operator-graph.ts";
import type { OperatorGraph } from "../graph/operators.ts";
import { decodeFloats } from "../kernels/float-values.ts";
import { withKernels } from "../kernels/idle.ts";
import { checkGiven, drawInputs, type GivenInput } from "../run/onnx/random-inputs.ts";
import { loadOnnxRuntime, type OnnxRuntime, type OnnxRuntimeTensor } from "../run/onnx/runtime.ts";
import { type OnnxSession, openSession } from "../run/onnx/session.ts";
import { OPEN_SIZES } from "./open-sizes.ts";
import type { SpecRunner } from "./verify-spec.ts";

/** How inputs are drawn, and what runs the model. */
export interface OnnxRunnerOptions {
  /**
   * `onnxruntime-web` by default, loaded when it is first needed; or the module that you import, such as
   * `onnxruntime-node`.
   */
  readonly runtime?: OnnxRuntime | undefined;
  /** Of the inputs. Default 0. */
  readonly seed?: number | undefined;
  /** Sizes and values of inputs by name, where they are known. Others are drawn. */
  readonly inputs?: ReadonlyMap<string, GivenInput> | undefined;
}

/**
 * A runner for `verifySpec`: the model's own ONNX file with changed tensors in onnxruntime. Inputs are drawn at random
 * with the sizes of the file; sizes that it leaves open are tried until the network runs. Outputs that are whole
 * numbers are left out. Of an output that a sigmoid makes, what the sigmoid is given is compared.
 *
 * @throws {Error} when onnxruntime-web is not installed.
 * @throws {RangeError} for a model that came from no ONNX file, for one that runs with no size tried, and for
 * `inputs` that the model does not have.
 *
 * @example
 * const runner = await onnxRunner(await openModel("model.onnx"));
 */
export async function onnxRunner(model: Model, options: OnnxRunnerOptions = {}): Promise<SpecRunner> {
  const runtime = options.runtime ?? (await loadOnnxRuntime());
  const graph = await readGraph(model);
  if (graph === undefined) throw new RangeError(`${model.name} has no graph, expected an ONNX model`);
  checkGiven(model.name, graph.inputs, options.inputs);
  const compared = comparedValues(model, graph);
  const values = compared.filter((value) => !graph.outputs.includes(value));
  let sets: readonly ReadonlyMap<string, OnnxRuntimeTensor>[] | undefined;
  const draw = (batch: number, free: number): Map<string, OnnxRuntimeTensor>[] => {
    const { seed = 0, inputs: given = new Map() } = options;
    return drawInputs(graph, model.tensors, { runtime, seed, batch, free, given });
  };
  const isOpen = graph.inputs.some(
    ({ name, shape }) => shape?.includes(undefined) === true && options.inputs?.get(name)?.shape === undefined,
  );
  return {
    async run(other, signal) {
      const session = await openSession(other, { runtime, values, signal });
      try {
        if (sets !== undefined) return await runAll(session, compared, sets);
        let fault: unknown;
        for (const [batch, free] of isOpen ? OPEN_SIZES : OPEN_SIZES.slice(0, 1)) {
          signal?.throwIfAborted();
          const drawn = draw(batch, free);
          try {
            const outputs = await runAll(session, compared, drawn);
            sets = drawn;
            return outputs;
          } catch (error) {
            fault ??= error;
          }
        }
        throw fault;
      } finally {
        await session.dispose();
      }
    },
  };
}

/**
 * For every output the value that is compared. Close to 0, a sigmoid has few of its argument's digits left, and the
 * rounding of sums in another order is then a large part of the largest output.
 */
function comparedValues({ origin }: Model, { operators, outputs }: OperatorGraph): string[] {
  const { graphs } = origin!.container as OnnxContainer;
  const own = graphs.find(({ scope, parent }) => scope === "" && parent === undefined)!;
  const made = new Set(own.nodes.flatMap((node) => node.outputs));
  const arguments_ = new Map(
    operators.filter(({ kind }) => kind === "Sigmoid").map(({ inputs, outputs }) => [outputs[0], inputs[0]!]),
  );
  return outputs.map((output) => {
    const argument = arguments_.get(output);
    return argument !== undefined && made.has(argument) ? argument : output;
  });
}

async function runAll(
  session: OnnxSession,
  values: readonly string[],
  sets: readonly ReadonlyMap<string, OnnxRuntimeTensor>[],
): Promise<(Float32Array | Float64Array)[]> {
  const outputs: (Float32Array | Float64Array)[] = [];
  for (const inputs of sets) {
    const found = await session.run(inputs, values);
    for (const { type, data } of found.values()) {
      if (type === "float32" || type === "float64") outputs.push(Float64Array.from(data as ArrayLike<number>));
      else if (type === "float16") outputs.push(fromHalf(data as Uint16Array));
    }
  }
  if (outputs.length > 0) return outputs;
  throw new RangeError(`outputs ${values.join(", ")} are no floats, expected some that are`);
}

/** Half precision as its bits, or as numbers where the engine has an array of them. */
function fromHalf(data: Uint16Array): Float32Array {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return withKernels({}, (kernels) => decodeFloats(kernels, bytes, "F16", data.length));
}
