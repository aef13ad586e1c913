/**
 * The tensors of PyTorch's pickles: calls of its rebuild functions, whose arguments show where elements are. The
 * functions and their arguments: torch/_utils.py, torch/_tensor.py (`_reduce_ex_internal`).
 */

import { describe } from "../../base/describe.ts";
import { DTYPES, type Dtype } from "../../base/dtype.ts";
import { FormatError } from "../../base/errors.ts";
import { isCount, tensorBytes } from "../../base/tensor-bytes.ts";
import { isRowMajor, spanOf } from "../strided.ts";
import {
  kindOf,
  PickleDict,
  PickleGlobal,
  PickleObject,
  PickleReference,
  PickleTuple,
  type PickleValue,
} from "./pickle-values.ts";

/** A storage as a persistent id names it: a run of bytes that tensors share. */
export interface StorageSpan {
  readonly key: string;
  /** Where it begins in the storage that the file holds, and how long it is. */
  readonly start: number;
  readonly byteLength: number;
  /** Undefined for storages of bytes, where each tensor has its own, and for numbers that are no dtype here. */
  readonly dtype: Dtype | undefined;
  /** The storage's class, for messages. */
  readonly kind: string;
}

/** A tensor: elements of a storage. `stride` in elements, `offset` in bytes of the storage that the file holds. */
export interface TensorView {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly stride: readonly number[];
  readonly storage: string;
  readonly offset: number;
  /** Bytes from the first to behind the last element. */
  readonly spanBytes: number;
}

/** How a container reads storages and, in the oldest files, tensors from persistent ids. Both throw `FormatError`. */
export interface References {
  storage(id: PickleValue, where: string): StorageSpan;
  readonly tensor?: ((id: PickleValue, where: string) => TensorView) | undefined;
}

/** PyTorch allows as many. */
const MAX_AXES = 64;
/**
 * An expanded tensor repeats what is stored. Buffers do, a little; what repeats more than this is made to exhaust
 * memory.
 */
const MAX_REPEATED_BYTES = 32 * 2 ** 20;

const DTYPE_NAMES: Readonly<Record<string, Dtype>> = {
  float32: "F32",
  float: "F32",
  float64: "F64",
  double: "F64",
  float16: "F16",
  half: "F16",
  bfloat16: "BF16",
  int64: "I64",
  long: "I64",
  int32: "I32",
  int: "I32",
  int16: "I16",
  short: "I16",
  int8: "I8",
  uint8: "U8",
  uint16: "U16",
  uint32: "U32",
  uint64: "U64",
  bool: "BOOL",
  complex64: "C64",
  cfloat: "C64",
  float8_e4m3fn: "F8_E4M3",
  float8_e5m2: "F8_E5M2",
  float8_e8m0fnu: "F8_E8M0",
  float8_e4m3fnuz: "F8_E4M3FNUZ",
  float8_e5m2fnuz: "F8_E5M2FNUZ",
};

/** What a tensor cannot be read for, by the function that makes it. */
const UNREADABLE: ReadonlyMap<string, string> = new Map([
  ["_rebuild_qtensor", "is quantised, expected plain numbers (dequantize() it before saving)"],
  ["_rebuild_sparse_tensor", "is sparse, expected a dense tensor (to_dense() it before saving)"],
  ["_rebuild_sparse_csr_tensor", "is sparse, expected a dense tensor (to_dense() it before saving)"],
  ["_rebuild_meta_tensor_no_storage", "is on the meta device, which has no data, expected a tensor with data"],
  ["_rebuild_nested_tensor", "is nested, expected a plain tensor"],
  ["_rebuild_wrapper_subclass", "is of a wrapper class, expected a plain tensor"],
  [
    "_rebuild_device_tensor_from_numpy",
    "is saved as a NumPy array (XLA), expected a tensor (move it to the CPU before saving)",
  ],
  ["_rebuild_xla_tensor", "is saved as a NumPy array (XLA), expected a tensor (move it to the CPU before saving)"],
]);

const isRebuild = (path: string): boolean => path.startsWith("torch._utils._rebuild_") || isFromType(path);
const isFromType = (path: string): boolean => /^torch\._?tensor\._rebuild_from_type(_v2)?$/.test(path);

/** True for a value that is a tensor, also one that cannot be read. */
export function isTensorValue(value: PickleValue, references: References): boolean {
  if (value instanceof PickleReference) return references.tensor !== undefined;
  return value instanceof PickleObject && isRebuild(value.callable.path);
}

/**
 * Where a tensor's elements are. `where` begins messages: the file and the tensor's name.
 *
 * @throws {FormatError} for tensors that are not plain numbers (quantised, sparse, …), and for what is malformed
 */
export function tensorView(value: PickleValue, references: References, where: string): TensorView {
  if (value instanceof PickleReference && references.tensor !== undefined) return references.tensor(value.id, where);
  if (!(value instanceof PickleObject)) throw new FormatError(`${where} is ${kindOf(value)}, expected a tensor`);
  let { path } = value.callable;
  let args = value.args;
  // A subclass: (function, class, its arguments, attributes).
  if (isFromType(path)) {
    const [inner, , innerArgs] = args;
    if (!(inner instanceof PickleGlobal && innerArgs instanceof PickleTuple))
      throw new FormatError(`${where} is of a tensor class without arguments, expected a tensor`);
    path = inner.path;
    args = innerArgs.items;
  }
  const name = path.slice(path.lastIndexOf(".") + 1);
  if (name === "_rebuild_parameter" || name === "_rebuild_parameter_with_state")
    return tensorView(args[0] ?? null, references, where);
  if (name === "_rebuild_tensor" || name === "_rebuild_tensor_v2")
    return plainTensor(args, undefined, references, where);
  if (name === "_rebuild_tensor_v3") return plainTensor(args, args[6], references, where);
  throw new FormatError(`${where} ${UNREADABLE.get(name) ?? `is made by ${describe(path)}, expected a plain tensor`}`);
}

/** Arguments: storage, offset, size, stride, requires_grad, hooks, then (in version 3 the dtype and) properties. */
function plainTensor(
  args: readonly PickleValue[],
  type: PickleValue | undefined,
  references: References,
  where: string,
): TensorView {
  const [storage, first, size, stride] = args;
  // Some tar archives have the id itself.
  if (!(storage instanceof PickleReference || storage instanceof PickleTuple))
    throw new FormatError(`${where} has ${kindOf(storage)} for its storage, expected a persistent id`);
  const span = references.storage(storage instanceof PickleTuple ? storage : storage.id, where);
  const dtype = type === undefined ? span.dtype : dtypeOf(type, where);
  if (dtype === undefined)
    throw new FormatError(`${where} is stored as ${span.kind}, expected a dtype that safetensors has`);
  checkProperties(type === undefined ? args[6] : args[7], where);
  return placeTensor(dtype, span, { first, shape: countsOf(size), stride: countsOf(stride) }, where);
}

/** Conjugates and negatives may be marks on a tensor whose stored numbers are others. */
function checkProperties(properties: PickleValue | undefined, where: string): void {
  if (!(properties instanceof PickleDict)) return;
  for (const mark of ["conj", "neg"])
    if (properties.get(mark) === true)
      throw new FormatError(`${where} is a ${mark} view, expected plain numbers (resolve_${mark}() it before saving)`);
}

/** The dtype that a global (`torch.float8_e4m3fn`) names. */
function dtypeOf(type: PickleValue, where: string): Dtype {
  const name = type instanceof PickleGlobal && type.path.startsWith("torch.") ? type.path.slice(6) : "";
  const dtype = Object.hasOwn(DTYPE_NAMES, name) ? DTYPE_NAMES[name] : undefined;
  if (dtype !== undefined) return dtype;
  throw new FormatError(`${where} has for its dtype ${kindOf(type)}, expected one that safetensors has`);
}

function countsOf(value: PickleValue | undefined): number[] | undefined {
  if (!(value instanceof PickleTuple) || !value.items.every(isCount)) return undefined;
  return value.items as number[];
}

/** The description of a tensor, not yet checked; undefined where it is not valid. */
export interface StatedPlace {
  readonly first: unknown;
  readonly shape: readonly number[] | undefined;
  readonly stride: readonly number[] | undefined;
}

/**
 * Checks that a tensor is inside its storage.
 *
 * @throws {FormatError} when it does not
 */
export function placeTensor(
  dtype: Dtype,
  { key, start, byteLength }: StorageSpan,
  { first, shape, stride }: StatedPlace,
  where: string,
): TensorView {
  if (shape === undefined || stride === undefined || shape.length !== stride.length || !isCount(first))
    throw new FormatError(`${where} has no sound sizes, strides and offset, expected whole numbers`);
  if (shape.length > MAX_AXES) throw new FormatError(`${where} has ${shape.length} axes, expected at most ${MAX_AXES}`);
  const bytes = tensorBytes({ dtype, shape }, (message) => new FormatError(`${where} ${message}`));
  const size = DTYPES[dtype].bits / 8;
  const strides = { shape, stride };
  const spanBytes = spanOf(strides) * size;
  const offset = first * size;
  if (!(offset + spanBytes <= byteLength) && spanBytes > 0)
    throw new FormatError(`${where} ends at byte ${offset + spanBytes} of its storage, expected at most ${byteLength}`);
  if (bytes > spanBytes && bytes > MAX_REPEATED_BYTES && !isRowMajor(strides))
    throw new FormatError(
      `${where} repeats ${spanBytes} bytes to ${bytes}, expected at most ${MAX_REPEATED_BYTES} (contiguous() it before saving)`,
    );
  return { dtype, shape, stride, storage: key, offset: start + (spanBytes > 0 ? offset : 0), spanBytes };
}

const STORAGE_CLASSES: Readonly<Record<string, Dtype>> = {
  FloatStorage: "F32",
  DoubleStorage: "F64",
  HalfStorage: "F16",
  BFloat16Storage: "BF16",
  LongStorage: "I64",
  IntStorage: "I32",
  ShortStorage: "I16",
  CharStorage: "I8",
  ByteStorage: "U8",
  BoolStorage: "BOOL",
  ComplexFloatStorage: "C64",
};
/** Bytes of elements that have no dtype here: their tensors cannot be read, but what follows them can be found. */
const OTHER_CLASSES: Readonly<Record<string, number>> = {
  ComplexDoubleStorage: 16,
  QInt8Storage: 1,
  QUInt8Storage: 1,
  QInt32Storage: 4,
  QUInt4x2Storage: 1,
  QUInt2x4Storage: 1,
  UntypedStorage: 1,
  TypedStorage: 1,
  _UntypedStorage: 1,
};

/** The meaning of a storage class. */
export interface StorageClass {
  readonly kind: string;
  readonly dtype: Dtype | undefined;
  /** Bytes of an element. */
  readonly size: number;
}

/** The storage class that a global names; `undefined` for one that is no storage class. */
export function storageClass(cls: PickleValue | undefined): StorageClass | undefined {
  if (!(cls instanceof PickleGlobal) || !/^torch\b/.test(cls.path)) return undefined;
  const name = cls.path.slice(cls.path.lastIndexOf(".") + 1);
  if (Object.hasOwn(STORAGE_CLASSES, name)) {
    const dtype = STORAGE_CLASSES[name]!;
    return { kind: name, dtype, size: DTYPES[dtype].bits / 8 };
  }
  const size = Object.hasOwn(OTHER_CLASSES, name) ? OTHER_CLASSES[name] : undefined;
  return size === undefined ? undefined : { kind: name, dtype: undefined, size };
}
