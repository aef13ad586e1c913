/** Gram matrices of what a network's matrices and kernels read, from images: what RegMean weighs models by. */

import type { Model } from "../base/model.ts";
import { checkInteger, checkOptions, type OptionKinds, RUNNING, type Running } from "../base/options.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Operation } from "../graph/graph.ts";
import { toTensorFlowShape } from "../graph/tensor-layout.ts";
import { createExtraKernels, type ExtraKernels } from "../kernels/extra-kernels.ts";
import { checkData } from "../run/check-data.ts";
import type { ExecutorOptions, Value } from "../run/executor.ts";
import { eachImages } from "../run/image-batches.ts";
import { openRunning } from "../run/models/running-model.ts";
import { type LinearKind, type Patches, patchesOf } from "./least-squares/patches.ts";

/** Options of `inputGrams`. Progress is of stage "repair", in images. */
export interface GramOptions extends Running, ExecutorOptions {
  /** Images at a time. Default 100. */
  readonly batch?: number | undefined;
}

const OPTIONS: OptionKinds<GramOptions> = { ...RUNNING, executor: "object", batch: "number" };

/** Rows of patches that are unfolded at a time. */
const ROWS = 256;

type Linear = Operation & { readonly kind: LinearKind };

/**
 * XᵀX of the inputs of every matrix and kernel, by the tensor's name. Each is n × n in f64, where an output reads n
 * values, in the tensor's order. Tensors that several operations use get the sum. Grouped convolutions have none.
 *
 * @throws {RangeError} for a model of no known graph, images that do not fit it, and NaN or infinity.
 *
 * @example
 * const grams = [await inputGrams(a, data), await inputGrams(b, data)];
 * const model = blendModels([a, b], { blend: "regmean", grams: async (tensor, i) => grams[i]!.get(tensor) });
 */
export async function inputGrams(
  model: Model,
  data: Dataset,
  options: GramOptions = {},
): Promise<Map<string, Float64Array>> {
  checkOptions("inputGrams", options, OPTIONS);
  const { batch = 100, signal, onProgress, executor } = options;
  checkInteger("batch", batch, 1);
  const running = await openRunning(model, executor);
  const { graph, network, tensors } = running;
  try {
    await checkData(running, data, { labels: false });
    const linear = graph.operations.filter(
      (each): each is Linear => each.kind.op === "dense" || each.kind.op === "conv",
    );
    const kernels = createExtraKernels();
    const sums = new Map<string, Float64Array>();
    const keep = new Set(
      linear.flatMap(({ inputs, output }) => [inputs[0]!, output]).filter((name) => name !== "input"),
    );
    const onImages = (done: number): void => onProgress?.({ stage: "repair", done, total: data.count });
    await eachImages(data, { batch, signal, onImages }, async (images) => {
      const values = new Map([...(await network.run(new Map([["input", images]]), keep)), ["input", images] as const]);
      for (const { kind, inputs, output } of linear) {
        const [input, out] = [values.get(inputs[0]!)!, values.get(output)!];
        const weight = toTensorFlowShape(kind.layout, tensors.get(kind.weight)!.shape);
        const patches = patchesOf(kind, weight, input.shape.slice(1), out.shape.slice(1));
        if (patches.groups > 1) continue;
        const sum = sums.get(kind.weight) ?? new Float64Array(patches.columns * patches.columns);
        sums.set(kind.weight, sum);
        addGram(kernels, patches, input, sum);
      }
    });
    const kinds = new Map(linear.map(({ kind }) => [kind.weight, kind]));
    return new Map([...sums].map(([tensor, sum]) => [tensor, inFileOrder(model, kinds.get(tensor)!, tensor, sum)]));
  } finally {
    network.dispose();
  }
}

/** Adds XᵀX of one batch, its upper triangle. */
function addGram(
  { arena, wasm, f32, f64 }: ExtraKernels,
  patches: Patches,
  { data, shape }: Value,
  sum: Float64Array,
): void {
  const { columns: n, size, kernel, stride, dilation, pad, out, input } = patches;
  const count = shape[0]! * out[0] * out[1];
  const mark = arena.mark();
  try {
    const [x, rows] = [arena.allocate(4 * data.length), arena.allocate(4 * ROWS * n)];
    const [gram, work] = [arena.allocate(8 * n * n), arena.allocate(wasm.gramWork(n))];
    f32(x, data.length).set(data);
    f64(gram, n * n).set(sum);
    const moves = [...kernel, ...stride, ...dilation, ...pad, ...out] as const;
    for (let first = 0; first < count; first += ROWS) {
      const some = Math.min(ROWS, count - first);
      wasm.unfold(rows, n, x, ...size, input, 0, input, ...moves, first, some);
      wasm.gram(gram, n, n, rows, n, some, n, work);
    }
    sum.set(f64(gram, n * n));
  } finally {
    arena.release(mark);
  }
}

/**
 * The whole matrix, with rows and columns in the order of the tensor's own values: PyTorch's kernels have channels
 * first.
 */
function inFileOrder(model: Model, { layout }: LinearKind, tensor: string, upper: Float64Array): Float64Array {
  const n = Math.round(Math.sqrt(upper.length));
  const order = layout === "oihw" ? channelsFirst(model.tensors.get(tensor)!.shape) : undefined;
  const whole = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      const [p, q] = order === undefined ? [i, j] : [order[i]!, order[j]!];
      const value = upper[Math.min(p, q) * n + Math.max(p, q)]!;
      if (!Number.isFinite(value)) throw new RangeError(`${model.name}: what ${tensor} reads has NaN or infinity`);
      whole[i * n + j] = value;
    }
  return whole;
}

/** Where value (c, y, x) of a patch is among (y, x, c). */
function channelsFirst([, channels, height, width]: readonly number[]): Int32Array {
  const order = new Int32Array(channels! * height! * width!);
  let at = 0;
  for (let c = 0; c < channels!; c++)
    for (let y = 0; y < height!; y++) for (let x = 0; x < width!; x++) order[at++] = (y * width! + x) * channels! + c;
  return order;
}
