/** What a model is to this library: named tensors of raw little-endian bytes, read one at a time. */

import { type Dtype, elementBytes } from "./dtype.ts";

/** Name-independent description of a tensor. `shape` is row-major; a scalar has shape `[]`. */
export interface TensorInfo {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** What the network's graph shows of it, if the model's file has the graph. Undefined: names decide. */
  readonly use?: GraphUse | undefined;
}

/** How a network's graph uses a tensor. */
export interface GraphUse {
  /**
   * Of matrices and kernels: `out-in` has the channels out and in first ([out, in, …]). `in-out` has them last ([…, in,
   * out]). `other` is used in another way than by a dense matrix or a plain convolution, or in several.
   */
  readonly layout?: "out-in" | "in-out" | "other" | undefined;
  /** Of a matrix that reads what convolutions gave, flattened: which varies slowest. */
  readonly flatten?: "channel-major" | "channel-minor" | undefined;
  /** Of kernels: the number of channel groups. Undefined where the graph does not show it. */
  readonly groups?: number | undefined;
  /**
   * Of matrices and kernels: the names of those whose outputs this one reads with no other between, two at most; "" is
   * the data. Undefined where the graph does not show it.
   */
  readonly reads?: readonly string[] | undefined;
  /** What its layer calls it, where its name does not show it: `kernel`, `gamma`. */
  readonly variable?: string | undefined;
  /** True for scalars, shapes, axes and the like, of which nothing moves. */
  readonly isFixed?: boolean | undefined;
}

/**
 * The container that a model was read from. A writer of the same format puts changed tensors back into it, so that
 * everything else in the file survives. Merged and renumbered models hand on the origin of the model they are made
 * from.
 */
export interface Origin {
  /** The format's name in the registry: "safetensors", "shards", "pytorch", … */
  readonly format: string;
  /** What else is to know of the container, for people: `["key", "model_ema"]`, `["shards", "3"]`. */
  readonly details: readonly (readonly [label: string, text: string])[];
  /** The format's own: sources, and where each tensor is. */
  readonly container: unknown;
}

/**
 * A set of named tensors. Reading is lazy: nothing but names, dtypes and shapes need be in memory.
 *
 * `read` resolves to the tensor's raw little-endian bytes, exactly shape × dtype of them. They may be a *view*
 * of memory the model owns: treat them as read-only. Its byteOffset may be unaligned.
 */
export interface Model {
  /** Where the model came from (a path, a URL, "model"); used in messages only. */
  readonly name: string;
  /** In file order. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, string>;
  /** Undefined for models that were made in memory. */
  readonly origin?: Origin | undefined;
  /**
   * Raw bytes of one tensor (possibly a view). Rejects with `RangeError` for an unknown name. `into` offers room for
   * exactly these bytes. A model that computes them, such as a merge, writes them there and resolves to it; others
   * ignore it. `part` asks for some of the bytes. A model that cannot give a part gives them all, and leaves `into`
   * alone: `readPart` handles both.
   */
  read(tensor: string, signal?: AbortSignal, into?: Uint8Array, part?: BytePart): Promise<Uint8Array>;
  /**
   * Bytes of a file beside the model's, such as `config.json`; undefined when there is none. Absent where this is
   * unknown.
   */
  beside?: ((path: string, signal?: AbortSignal) => Promise<Uint8Array | undefined>) | undefined;
  /** Releases what the model holds open (a file). Safe to call twice. */
  close?(): Promise<void>;
}

/** Bytes from `begin` up to but not including `end` of a tensor. */
export type BytePart = readonly [begin: number, end: number];

/** A part of a tensor's raw bytes, whether or not the model gives parts. `info`: of the whole tensor. */
export async function readPart(
  model: Model,
  tensor: string,
  part: BytePart,
  { dtype, shape }: TensorInfo,
  signal?: AbortSignal,
  into?: Uint8Array,
): Promise<Uint8Array> {
  const [begin, end] = part;
  const bytes = await model.read(tensor, signal, into, part);
  if (bytes.length === end - begin) return bytes;
  if (bytes.length === elementCount(shape) * elementBytes(dtype)) return bytes.subarray(begin, end);
  throw new RangeError(
    `${tensor} of ${model.name} has ${bytes.length} bytes, expected all or bytes ${begin} to ${end}`,
  );
}

/** Number of elements of a shape: the product of its sizes, 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (const size of shape) count *= size;
  return count;
}
