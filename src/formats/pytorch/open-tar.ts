/**
 * PyTorch's oldest files (0.1): tar archives with storages, tensors and the pickled object apart, tied by their keys
 * (torch/serialization.py, `legacy_load`). All tables are binary, with pickles in between.
 */

import { describe } from "../../base/describe.ts";
import { FormatError } from "../../base/errors.ts";
import { isCount } from "../../base/tensor-bytes.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import { readU64, viewOf } from "../../io/little-endian.ts";
import { partSource } from "../../io/part-source.ts";
import { listTar } from "../../io/tar.ts";
import { type Container, type ContainerOptions, type StoragePlace, storageKey } from "./container.ts";
import { storagePlace } from "./open-legacy.ts";
import { unpickleAt } from "./pickle-stream.ts";
import { PickleDict, PickleList, PickleTuple, type PickleValue } from "./pickle-values.ts";
import { placeTensor, type StorageSpan, storageClass, type TensorView } from "./tensor-values.ts";

/** Files of that time were small. */
const MAX_TABLE = 1_000_000;
const MAX_AXES = 64;

/** The four files of the archive. */
export const TAR_FILES: readonly string[] = ["sys_info", "pickle", "storages", "tensors"];

interface Tables {
  readonly storages: ReadonlyMap<string, StorageSpan>;
  readonly places: ReadonlyMap<string, StoragePlace>;
}

/**
 * @throws {FormatError} naming the file and the entry
 */
export async function openTarContainer(source: ByteSource, options: ContainerOptions): Promise<Container> {
  const { signal } = options;
  const { name } = source;
  const files = await listTar(source, signal);
  const [system, object, storageFile, tensorFile] = TAR_FILES.map((file) => {
    const range = files.get(file);
    if (range === undefined && file === "tensors") return undefined;
    if (range === undefined)
      throw new FormatError(`${name} lacks the entry ${describe(file)}, expected old PyTorch's tar`);
    return partSource(source, range.start, range.end, `${name} entry ${describe(file)}`);
  }) as [ByteSource, ByteSource, ByteSource, ByteSource?];
  const base = files.get("storages")!.start;
  const { storages, places } = await readStorages(source, storageFile, base, options);
  const tensors = tensorFile === undefined ? undefined : await readTensors(tensorFile, storages, options);
  const about = (await unpickleAt(system, 0, options)).value;
  const { value: root } = await unpickleAt(object, 0, options);
  return {
    source,
    kind: "tar",
    zip: undefined,
    root,
    isSwapped: about instanceof PickleDict && about.get("little_endian") === false,
    references: {
      storage: (id, where) => namedStorage(id, storages, where),
      tensor: tensors && ((id, where) => namedTensor(id, tensors, where)),
    },
    place: (key) => places.get(key)!,
  };
}

/** Tensors without their own table are rebuilt from storages' ids, as in later files. */
function namedStorage(id: PickleValue, storages: Tables["storages"], where: string): StorageSpan {
  const [kind, cls, key, , count] = id instanceof PickleTuple ? id.items : [];
  const span = storages.get(String(key));
  const type = storageClass(cls);
  if (kind === "storage" && type !== undefined && span?.byteLength === Number(count) * type.size) return span;
  throw new FormatError(`${where} has a storage that the archive lacks, or of another size, expected its own storage`);
}

function namedTensor(id: PickleValue, tensors: ReadonlyMap<string, TensorView>, where: string): TensorView {
  const view = tensors.get(String(isCount(id) || typeof id === "string" ? id : ""));
  if (view !== undefined) return view;
  throw new FormatError(`${where} is a tensor that the archive lacks, expected it there`);
}

/** A count, then for each storage `(key, location, class)`, a count of elements, the bytes; then views of storages. */
async function readStorages(
  source: ByteSource,
  file: ByteSource,
  base: number,
  options: ContainerOptions,
): Promise<Tables> {
  const storages = new Map<string, StorageSpan & { readonly size: number }>();
  const places = new Map<string, StoragePlace>();
  let { count, end: at } = await readCount(file, options);
  for (; count > 0; count--) {
    const { value, end } = await unpickleAt(file, at, options);
    const [key, , cls] = value instanceof PickleTuple ? value.items : [];
    const type = storageClass(cls);
    if (type === undefined || end + 8 > file.byteLength)
      throw new FormatError(`${file.name} at byte ${at} describes no storage, expected (key, location, class)`);
    const elements = readU64(viewOf(await file.slice(end, end + 8, options.signal)), 0);
    const text = storageKey(key, file.name);
    const byteLength = elements * type.size;
    at = end + 8 + byteLength;
    if (!(at <= file.byteLength) || places.has(text))
      throw new FormatError(`${file.name} storage ${text} ends at byte ${at}, expected at most ${file.byteLength}`);
    const size = { bytes: byteLength, elementBytes: type.size };
    places.set(text, storagePlace(source, `${source.name} storage ${text}`, base + end + 8, size));
    storages.set(text, { ...type, key: text, start: 0, byteLength });
  }
  if (at < file.byteLength) addViews((await unpickleAt(file, at, options)).value, storages, file.name);
  return { storages, places };
}

/** `[(key, key of the storage, first element, elements), …]` */
function addViews(
  views: PickleValue,
  storages: Map<string, StorageSpan & { readonly size: number }>,
  name: string,
): void {
  if (!(views instanceof PickleList)) throw new FormatError(`${name} has no list of views, expected one`);
  for (const view of views.items) {
    const [key, root, first, elements] = view instanceof PickleTuple ? view.items : [];
    const whole = storages.get(String(root));
    if (
      whole === undefined ||
      !isCount(first) ||
      !isCount(elements) ||
      (first + elements) * whole.size > whole.byteLength
    )
      throw new FormatError(`${name} has a view that is not inside a storage, expected one`);
    const part = { start: whole.start + first * whole.size, byteLength: elements * whole.size };
    storages.set(storageKey(key, name), { ...whole, ...part });
  }
}

/**
 * A count, then for each tensor `(key, storage's key, class)`, the number of axes, sizes, strides, the first
 * element.
 */
async function readTensors(
  file: ByteSource,
  storages: ReadonlyMap<string, StorageSpan>,
  options: ContainerOptions,
): Promise<Map<string, TensorView>> {
  const tensors = new Map<string, TensorView>();
  let { count, end: at } = await readCount(file, options);
  for (; count > 0; count--) {
    const { value, end } = await unpickleAt(file, at, options);
    const [key, storage] = value instanceof PickleTuple ? value.items : [];
    const span = storages.get(String(storage));
    const axes =
      end + 8 <= file.byteLength ? viewOf(await file.slice(end, end + 4, options.signal)).getInt32(0, true) : -1;
    at = end + 8 + 16 * axes + 8;
    if (span === undefined || axes < 0 || axes > MAX_AXES || at > file.byteLength)
      throw new FormatError(`${file.name} at byte ${end} describes no tensor, expected a storage, sizes and strides`);
    const view = viewOf(await file.slice(end + 8, at, options.signal));
    const numbers = Array.from({ length: 2 * axes + 1 }, (_, i) => readU64(view, 8 * i));
    const place = { first: numbers[2 * axes], shape: numbers.slice(0, axes), stride: numbers.slice(axes, 2 * axes) };
    if (span.dtype === undefined || !numbers.every(isCount))
      throw new FormatError(`${file.name} at byte ${end} describes no plain tensor, expected numbers of a known dtype`);
    const text = storageKey(key, file.name);
    tensors.set(text, placeTensor(span.dtype, span, place, `${file.name} tensor ${text}`));
  }
  return tensors;
}

async function readCount(file: ByteSource, options: ContainerOptions): Promise<{ count: number; end: number }> {
  const { value, end } = await unpickleAt(file, 0, options);
  if (isCount(value) && value <= MAX_TABLE) return { count: value, end };
  throw new FormatError(`${file.name} does not begin with a count up to ${MAX_TABLE}, expected one`);
}
