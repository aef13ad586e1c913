/** PyTorch's files of every age, built by hand around any pickle: shares no code with the reader or the writer. */

import * as p from "./pickle-builder.ts";
import { concat, utf8 } from "./safetensors-builder.ts";
import { u64, type ZipPart, type ZipShape, zipFile } from "./zip-builder.ts";

/** A storage: its class of `torch` and its bytes. */
export interface Storage {
  readonly kind?: string;
  readonly bytes: Uint8Array;
  /** Elements, if not those of the bytes. */
  readonly count?: number;
}

const SIZES: Readonly<Record<string, number>> = {
  DoubleStorage: 8,
  LongStorage: 8,
  ComplexFloatStorage: 8,
  FloatStorage: 4,
  IntStorage: 4,
  HalfStorage: 2,
  BFloat16Storage: 2,
  ShortStorage: 2,
};
export const countOf = ({ kind = "FloatStorage", bytes, count }: Storage): number =>
  count ?? bytes.length / (SIZES[kind] ?? 1);

/** A persistent id. With `view`, as files before 1.6 have it. */
export function storageId(key: string, storage: Storage, view?: p.Opcodes): p.Opcodes {
  const { kind = "FloatStorage" } = storage;
  const module = kind === "UntypedStorage" ? "torch.storage" : "torch";
  const parts = [p.text("storage"), p.global(module, kind), p.text(key), p.text("cpu"), p.int(countOf(storage))];
  return p.persistent(p.tuple(...parts, ...(view === undefined ? [] : [view])));
}

const counts = (values: readonly number[]): p.Opcodes => p.tuple(...values.map(p.int));

/** Row-major strides. */
export function strides(shape: readonly number[]): number[] {
  return shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
}

export interface TensorCall {
  readonly offset?: number;
  readonly stride?: readonly number[];
  /** Of `torch`, for version 3. */
  readonly dtype?: string;
  /** A seventh (in version 3: eighth) argument. */
  readonly properties?: p.Opcodes;
}

/** A call of `_rebuild_tensor_v2`, or v3 with a dtype. */
export function tensor(storage: p.Opcodes, shape: readonly number[], call: TensorCall = {}): p.Opcodes {
  const { offset = 0, stride = strides(shape), dtype, properties } = call;
  const args = [storage, p.int(offset), counts(shape), counts(stride), p.FALSE, p.orderedDict([])];
  if (dtype !== undefined) args.push(p.global("torch", dtype));
  if (properties !== undefined) args.push(properties);
  return p.reduce(p.global("torch._utils", dtype === undefined ? "_rebuild_tensor_v2" : "_rebuild_tensor_v3"), ...args);
}

export const parameter = (data: p.Opcodes): p.Opcodes =>
  p.reduce(p.global("torch._utils", "_rebuild_parameter"), data, p.TRUE, p.orderedDict([]));

/** An `nn.Module` of a class that nobody has. */
export function module(parts: {
  parameters?: p.Pairs;
  buffers?: p.Pairs;
  modules?: p.Pairs;
  unsaved?: string[];
}): p.Opcodes {
  const unsaved = p.reduce(p.global("builtins", "set"), p.list(...(parts.unsaved ?? []).map(p.text)));
  const state = p.dict([
    ["training", p.TRUE],
    ["_parameters", p.orderedDict(parts.parameters ?? [])],
    ["_buffers", p.orderedDict(parts.buffers ?? [])],
    ["_non_persistent_buffers_set", unsaved],
    ["_backward_hooks", p.orderedDict([])],
    ["_modules", p.orderedDict(parts.modules ?? [])],
  ]);
  return p.build(p.newObject(p.global("my_models", "Net")), state);
}

export type Storages = Readonly<Record<string, Storage>>;

export interface TorchShape extends ZipShape {
  readonly folder?: string;
  readonly byteorder?: string;
  readonly style?: "torch" | "plain";
  readonly deflate?: boolean;
  readonly extra?: readonly ZipPart[];
}

/** A file of `torch.save` since 1.6: `object` are the opcodes of what was saved. */
export function torchZip(object: p.Opcodes, storages: Storages, shape: TorchShape = {}): Uint8Array<ArrayBuffer> {
  const { folder = "archive/", byteorder, style = "torch", deflate = false, extra = [] } = shape;
  const part = (name: string, content: Uint8Array): ZipPart => ({
    name: folder + name,
    content,
    style,
    deflate,
    filler: 5,
  });
  return zipFile(
    [
      part("data.pkl", object[0] === 0x80 ? object : p.pickle(object)),
      ...(byteorder === undefined ? [] : [part("byteorder", utf8(byteorder))]),
      ...Object.entries(storages).map(([key, { bytes }]) => part(`data/${key}`, bytes)),
      part("version", utf8("3\n")),
      ...extra,
    ],
    { zip64: true, ...shape },
  );
}

/** A file of before 1.6. */
export function legacyFile(
  object: p.Opcodes,
  storages: Storages,
  {
    keys = Object.keys(storages),
    little = true,
  }: { readonly keys?: readonly string[]; readonly little?: boolean } = {},
): Uint8Array {
  const system = p.dict([
    ["protocol_version", p.int(1001)],
    ["little_endian", little ? p.TRUE : p.FALSE],
    ["type_sizes", p.dict([])],
  ]);
  return concat(
    p.pickle(p.long(0x1950a86a20f9469cfc6cn)),
    p.pickle(p.int(1001)),
    p.pickle(system),
    p.pickle(object),
    p.pickle(p.list(...keys.map(p.text))),
    ...keys.flatMap((key) => [u64(countOf(storages[key]!)), storages[key]!.bytes]),
  );
}

/** A tensor of an archive of PyTorch 0.1: where it is in its storage. */
export interface TarTensor {
  readonly storage: string;
  readonly shape: readonly number[];
  readonly stride?: readonly number[];
  readonly offset?: number;
}

/** An archive of PyTorch 0.1; tensors are named in the object by `persistent(int(key))`. */
export function tarFile(
  object: p.Opcodes,
  storages: Storages,
  tensors: Readonly<Record<string, TarTensor>>,
): Uint8Array {
  const kindOf = (storage: Storage): p.Opcodes => p.global("torch", storage.kind ?? "FloatStorage");
  const storageFile = concat(
    p.pickle(p.int(Object.keys(storages).length)),
    ...Object.entries(storages).flatMap(([key, storage]) => [
      p.pickle(p.tuple(p.int(Number(key)), p.str("cpu"), kindOf(storage))),
      u64(countOf(storage)),
      storage.bytes,
    ]),
    p.pickle(p.list()),
  );
  const tensorFile = concat(
    p.pickle(p.int(Object.keys(tensors).length)),
    ...Object.entries(tensors).flatMap(([key, { storage, shape, stride = strides(shape), offset = 0 }]) => [
      p.pickle(p.tuple(p.int(Number(key)), p.int(Number(storage)), p.global("torch", "FloatTensor"))),
      u64(shape.length),
      ...[...shape, ...stride, offset].map(u64),
    ]),
  );
  const system = p.pickle(p.dict([["little_endian", p.TRUE]]));
  const files = { sys_info: system, pickle: p.pickle(object), storages: storageFile, tensors: tensorFile };
  return concat(...Object.entries(files).flatMap(([name, bytes]) => tarEntry(name, bytes)), new Uint8Array(1024));
}

/** A header of ustar with its checksum, and the bytes up to a whole block. */
export function tarEntry(name: string, bytes: Uint8Array): Uint8Array[] {
  const header = new Uint8Array(512);
  const put = (at: number, value: string): void => header.set(utf8(value), at);
  put(0, name);
  put(100, "0000644\0");
  put(124, `${bytes.length.toString(8).padStart(11, "0")}\0`);
  put(148, "        ");
  put(156, "0");
  put(257, "ustar\u000000");
  put(
    148,
    `${header
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, "0")}\0 `,
  );
  return [header, bytes, new Uint8Array((512 - (bytes.length % 512)) % 512)];
}
