/** ONNX networks as an executor: their own files in onnxruntime, with intermediate values as further outputs. */

import { compareTensors, describeDifferences } from "../../base/compare-tensors.ts";
import { elementCount, type Model } from "../../base/model.ts";
import { type OnnxBytes, onnxBytes, withOutputs } from "../../formats/onnx/onnx-bytes.ts";
import type { NetworkGraph } from "../../infer/network-graph.ts";
import { decodeFloats, encodeFloats } from "../../kernels/float-values.ts";
import { withKernels } from "../../kernels/idle.ts";
import { type Executor, type Network, ON_ONNX, type Value } from "../executor.ts";
import { imagesOf } from "../input-images.ts";
import { onnxGraph } from "./graph-of-model.ts";
import { loadOnnxRuntime, type OnnxRuntime } from "./runtime.ts";
import { type OnnxSession, sessionOf } from "./session.ts";
import { checkImages, feedOf, fromRuntime, joinedValues } from "./values.ts";

/** What runs ONNX networks. */
export interface OnnxExecutorOptions {
  /** `onnxruntime-web` by default, loaded when it is first needed; or the module that you import. */
  readonly runtime?: OnnxRuntime | undefined;
}

/**
 * Runs models that came from ONNX files in onnxruntime, as the file has them. Values are those of the file's graph; of
 * images and feature maps the channels come last. The input that takes the images is the one 4-D float input, or that
 * of `withNetworkNotes`. A file of a fixed batch runs that many images at a time.
 *
 * @throws {RangeError} when it opens a model that came from no ONNX file, or a network that is none of images.
 * @throws {Error} when it opens a model and onnxruntime-web is not installed.
 *
 * @example
 * const executor = onnxExecutor();
 * const { accuracy } = await evaluateModel(await openModel("merged.onnx"), testSet, { executor });
 */
export function onnxExecutor(options: OnnxExecutorOptions = {}): Executor & { readonly [ON_ONNX]: true } {
  return {
    [ON_ONNX]: true,
    async open(model) {
      const found = await onnxGraph(model);
      const runtime = options.runtime ?? (await loadOnnxRuntime());
      return openNetwork(model, found, runtime);
    },
  };
}

/** A session of a file with the values that were asked for last; another one when others are asked for. */
interface Sessions {
  for(wanted: readonly string[]): Promise<OnnxSession>;
  close(): void;
}

function sessionsOf(name: string, file: OnnxBytes, { outputs }: NetworkGraph, runtime: OnnxRuntime): Sessions {
  let open: { readonly session: OnnxSession; readonly values: ReadonlySet<string> } | undefined;
  const close = (): void => {
    // Nothing waits for it, and what it could not free is the runtime's.
    open?.session.dispose().catch(() => undefined);
    open = undefined;
  };
  return {
    async for(wanted) {
      if (open !== undefined && wanted.every((value) => open!.values.has(value))) return open.session;
      close();
      const further = wanted.filter((value) => !outputs.includes(value));
      const session = await sessionOf(name, withOutputs(file, further), runtime);
      open = { session, values: new Set(session.outputs) };
      return session;
    },
    close,
  };
}

async function openNetwork(model: Model, found: NetworkGraph, runtime: OnnxRuntime): Promise<Network> {
  const { values } = found;
  let { name } = model;
  let sessions = sessionsOf(name, await onnxBytes(model, [], undefined), found, runtime);
  const run: Network["run"] = async (inputs, keep) => {
    const images = imagesOf(inputs);
    checkImages(name, found.input, images.shape.slice(1));
    const unknown = [...keep].find((value) => !values.has(value));
    if (unknown !== undefined)
      throw new RangeError(`value ${unknown} cannot be asked of ${name}, expected one of the file's own graph`);
    const wanted = [...keep].filter((value) => value !== found.input.name);
    const session = wanted.length > 0 ? await sessions.for(wanted) : undefined;
    return runBatches({ name, found, runtime, session, wanted, keep }, images);
  };
  return {
    inputs: ["input"],
    values: [...values],
    run,
    async shapes(images, wanted) {
      const one = { shape: [1, ...images], data: new Float32Array(images[0] * images[1] * images[2]) };
      const outputs = await run(new Map([["input", one]]), new Set([...wanted].filter((value) => value !== "input")));
      const shapes = new Map([...outputs].map(([value, { shape }]) => [value, shape.slice(1)] as const));
      return shapes.set("input", [...images]);
    },
    async load(other) {
      const file = await fileOf(model, other);
      sessions.close();
      ({ name } = other);
      sessions = sessionsOf(name, file, found, runtime);
    },
    dispose: () => sessions.close(),
  };
}

/** The file of `like` with the tensors of another model of it, in the file's dtypes. */
async function fileOf(like: Model, other: Model): Promise<OnnxBytes> {
  const differences = compareTensors(like.tensors, other.tensors).filter(({ kind }) => kind !== "dtype");
  if (differences.length > 0)
    throw new RangeError(`${other.name} does not fit ${like.name}: ${describeDifferences(differences)}`);
  const read: Model["read"] = async (tensor, signal) => {
    const [{ dtype, shape }, wanted] = [other.tensors.get(tensor)!, like.tensors.get(tensor)!.dtype];
    const bytes = await other.read(tensor, signal);
    if (dtype === wanted) return bytes;
    return withKernels({}, (kernels) =>
      encodeFloats(kernels, decodeFloats(kernels, bytes, dtype, elementCount(shape)), wanted),
    );
  };
  return onnxBytes(
    { name: other.name, tensors: like.tensors, metadata: like.metadata, origin: like.origin, read },
    [],
    undefined,
  );
}

interface Batches {
  readonly name: string;
  readonly found: NetworkGraph;
  readonly runtime: OnnxRuntime;
  readonly session: OnnxSession | undefined;
  readonly wanted: readonly string[];
  readonly keep: ReadonlySet<string>;
}

/** All at once, or as many at a time as the file takes: the last of them are made up by zeros. */
async function runBatches(
  { name, found, runtime, session, wanted, keep }: Batches,
  images: Value,
): Promise<Map<string, Value>> {
  const { input, axes, graph } = found;
  const [count, ...size] = images.shape as [number, ...number[]];
  const step = input.shape[0] ?? count;
  const row = size.reduce((product, each) => product * each, 1);
  const parts = new Map<string, Value[]>([...keep].map((value) => [value, []]));
  for (let from = 0; from < count; from += step) {
    const whole = from + step <= count;
    const data = images.data.subarray(from * row, (from + step) * row);
    const feed = feedOf(runtime, input, { shape: [step, ...size], data: whole ? data : padded(data, step * row) });
    if (keep.has(input.name)) parts.get(input.name)!.push(fromRuntime(name, feed, -1));
    if (session === undefined) continue;
    for (const [value, tensor] of await session.run(new Map([[input.name, feed]]), wanted))
      parts.get(value)!.push(fromRuntime(`${name} value ${value}`, tensor, axes.get(value) ?? -1));
  }
  const sizes = Array.from({ length: Math.ceil(count / step) }, () => step);
  return new Map(
    [...parts].map(([value, each]) => {
      const joined = joinedValues(`${name} value ${value}`, each, sizes, count);
      return [value, value === graph.output ? asRows(joined) : joined];
    }),
  );
}

function padded(values: Float32Array, length: number): Float32Array {
  const longer = new Float32Array(length);
  longer.set(values);
  return longer;
}

/** Logits of one position an image are rows. */
function asRows({ shape, data }: Value): Value {
  const [batch, ...inner] = shape as [number, ...number[]];
  const large = inner.filter((size) => size !== 1);
  return large.length > 1 || inner.length < 2 ? { shape, data } : { shape: [batch, large[0] ?? 1], data };
}
