/**
 * Opens PyTorch's files of every kind as models: reads the pickle, chooses the state dict, finds every tensor's
 * bytes.
 */

import { listFirst } from "../../base/compare-tensors.ts";
import { describe } from "../../base/describe.ts";
import { DTYPES } from "../../base/dtype.ts";
import { FormatError } from "../../base/errors.ts";
import type { BytePart, Model, TensorInfo } from "../../base/model.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import { looksLikeTar } from "../../io/tar.ts";
import { gather, isRowMajor, swapBytes } from "../strided.ts";
import { chooseStateDict, type StateDict } from "./choose-state-dict.ts";
import type { Container, ContainerOptions, StoragePlace } from "./container.ts";
import { findStateDicts } from "./find-state-dicts.ts";
import { openLegacyContainer } from "./open-legacy.ts";
import { openTarContainer } from "./open-tar.ts";
import { openZipContainer } from "./open-zip.ts";
import { type TensorView, tensorView } from "./tensor-values.ts";

/** Tensors may share bytes, but not so that all of them together are this many times the file and 64 MiB. */
const MAX_TOTAL_RATIO = 100;
const MAX_TOTAL_BYTES = 64 * 2 ** 20;

export interface PytorchOptions extends ContainerOptions {
  /** Which of several state dicts: a path with dots, `.` for the root. */
  readonly key?: string | undefined;
}

/** A tensor's place, and that of its storage. */
export interface StoredTensor extends TensorView {
  readonly place: StoragePlace;
}

/** What a model remembers of its file, for writing into a copy of it. */
export interface PytorchContainer {
  readonly container: Container;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly key: string;
  /** Paths of what belongs to the training, and of state dicts that were not chosen. */
  readonly training: readonly string[];
  readonly others: readonly string[];
}

/**
 * Opens a file of `torch.save`, of TorchScript (read only), or of PyTorch's older formats. Only the pickle is read, and
 * nothing in it is ever called. `key` chooses among several state dicts: a path with dots, `.` for the root.
 *
 * `read` returns a *view* where the source does and a tensor's elements are in order, else a copy.
 *
 * @throws {FormatError} naming file, entry and tensor: for what is malformed, for tensors that are not plain numbers,
 * and where several state dicts may be the model
 *
 * @example
 * const model = await openPytorch(bytesSource(bytes, "model.pt"), { key: "ema" });
 */
export async function openPytorch(source: ByteSource, options: PytorchOptions = {}): Promise<Model> {
  const { name } = source;
  const container = await openContainer(source, options);
  const checkpoint = findStateDicts(container.root, container.references, name);
  const chosen = chooseStateDict(container.root, checkpoint, options.key, container.references, name);
  if (chosen.tensors.size === 0) throw new FormatError(`${name} ${withoutTensors(container)}`);
  const tensors = placeTensors(container, chosen, name);
  const origin: PytorchContainer = { container, tensors, ...checkpoint, key: chosen.key, others: chosen.others };
  return {
    name,
    tensors: new Map(
      Array.from(tensors, ([tensor, { dtype, shape }]): [string, TensorInfo] => [tensor, { dtype, shape }]),
    ),
    metadata: new Map(),
    origin: { format: "pytorch", details: detailsOf(origin), container: origin },
    async read(tensor, signal, _into, part) {
      const placed = tensors.get(tensor);
      if (placed === undefined)
        throw new RangeError(`${name} has no tensor ${describe(tensor)}, expected one of its names`);
      return (
        (part && (await readInParts(placed, part, container.isSwapped, signal))) ??
        readTensor(placed, container.isSwapped, signal)
      );
    },
    async close() {
      await source.close?.();
    },
  };
}

function withoutTensors({ kind }: Container): string {
  const frozen = "is frozen TorchScript, whose weights are constants of its code, expected one that is not frozen";
  return kind === "TorchScript" ? frozen : "holds a module without tensors, expected a PyTorch checkpoint";
}

async function openContainer(source: ByteSource, options: ContainerOptions): Promise<Container> {
  const head = await source.slice(0, Math.min(source.byteLength, 512), options.signal);
  if (head[0] === 0x80) return openLegacyContainer(source, options);
  if (looksLikeTar(head)) return openTarContainer(source, options);
  if (new TextDecoder().decode(Uint8Array.from(head.subarray(0, 8))) === "PYTORCH1")
    throw new FormatError(`${source.name} is of a preview of PyTorch 1.0, expected a file of torch.save`);
  return openZipContainer(source, options);
}

function placeTensors(container: Container, { tensors }: StateDict, name: string): Map<string, StoredTensor> {
  const placed = new Map<string, StoredTensor>();
  let total = 0;
  for (const [tensor, value] of tensors) {
    const where = `${name} tensor ${describe(tensor)}`;
    const view = tensorView(value, container.references, where);
    total += (DTYPES[view.dtype].bits / 8) * view.shape.reduce((count, size) => count * size, 1);
    placed.set(tensor, { ...view, place: container.place(view.storage, where) });
  }
  const most = MAX_TOTAL_RATIO * container.source.byteLength + MAX_TOTAL_BYTES;
  if (total > most)
    throw new FormatError(`${name} has tensors of ${total} bytes, expected at most ${most} in this file`);
  return placed;
}

/** Some of a tensor's bytes, where they are in the file as they are asked for; else undefined. */
async function readInParts(
  { place, offset, dtype: _, spanBytes: __, ...strides }: StoredTensor,
  [begin, end]: BytePart,
  isSwapped: boolean,
  signal?: AbortSignal,
): Promise<Uint8Array | undefined> {
  if (place.isPacked || isSwapped || !isRowMajor(strides)) return undefined;
  return (await place.open(signal)).slice(offset + begin, offset + end, signal);
}

/** A tensor's bytes: row-major and little-endian. */
export async function readTensor(
  { place, offset, spanBytes, dtype, ...strides }: StoredTensor,
  isSwapped: boolean,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const storage = await place.open(signal);
  const span = await storage.slice(offset, offset + spanBytes, signal);
  const size = DTYPES[dtype].bits / 8;
  const elements = isRowMajor(strides) ? span : gather(span, strides, size);
  return isSwapped ? swapBytes(elements, partBytes(dtype)) : elements;
}

/** Bytes of a number; a complex one is two. */
export function partBytes(dtype: StoredTensor["dtype"]): number {
  const { bits, kind } = DTYPES[dtype];
  return kind === "complex" ? bits / 16 : bits / 8;
}

function detailsOf({ container, key, training, others }: PytorchContainer): [string, string][] {
  const details: [string, string][] = [["container", container.kind]];
  if (key !== "") details.push(["key", key]);
  if (others.length > 0) details.push(["other state dicts", listFirst(others)]);
  if (training.length > 0) details.push(["training state", listFirst(training)]);
  return details;
}
