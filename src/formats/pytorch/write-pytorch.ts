/** A new PyTorch file of any model: a state dict in a zip archive, as `torch.save(state_dict)` writes it. */

import { describe } from "../../base/describe.ts";
import type { Dtype } from "../../base/dtype.ts";
import { elementCount, type Model, type TensorInfo } from "../../base/model.ts";
import { createYielder } from "../../base/progress.ts";
import { tensorBytes } from "../../base/tensor-bytes.ts";
import type { ByteSink } from "../../io/sink.ts";
import { zipWriter } from "../../io/zip-write.ts";
import { rowMajor } from "../strided.ts";
import { PickleWriter } from "./pickle-writer.ts";
import type { WriteIntoOptions } from "./write-into.ts";

/** Dtypes with their own storage class: readable by every PyTorch. */
const STORAGES: Partial<Record<Dtype, string>> = {
  F32: "FloatStorage",
  F64: "DoubleStorage",
  F16: "HalfStorage",
  BF16: "BFloat16Storage",
  I64: "LongStorage",
  I32: "IntStorage",
  I16: "ShortStorage",
  I8: "CharStorage",
  U8: "ByteStorage",
  BOOL: "BoolStorage",
  C64: "ComplexFloatStorage",
};
/** The others are views of bytes: readable since PyTorch 2.1 to 2.3. */
const DTYPES_BY_NAME: Partial<Record<Dtype, string>> = {
  U16: "uint16",
  U32: "uint32",
  U64: "uint64",
  F8_E4M3: "float8_e4m3fn",
  F8_E5M2: "float8_e5m2",
  F8_E8M0: "float8_e8m0fnu",
  F8_E4M3FNUZ: "float8_e4m3fnuz",
  F8_E5M2FNUZ: "float8_e5m2fnuz",
};

/** PyTorch puts data at multiples of this, too. */
const ALIGNMENT = 64;
const FOLDER = "archive";

/**
 * Throws `RangeError`, naming the tensor, for what PyTorch's files have no form for: packed dtypes.
 */
export function checkPytorchTensors(model: Pick<Model, "name" | "tensors">): void {
  for (const [name, { dtype }] of model.tensors) {
    if (STORAGES[dtype] === undefined && DTYPES_BY_NAME[dtype] === undefined)
      throw new RangeError(
        `${model.name} tensor ${describe(name)} is ${dtype}, which PyTorch's files do not have, expected another format`,
      );
  }
}

/**
 * Writes `model` as a new file; tensors one at a time. Equal models give equal files. Neither closes nor aborts the
 * sink.
 *
 * @throws {RangeError} for what `checkPytorchTensors` refuses
 */
export async function writePytorch(
  model: Model,
  sink: ByteSink,
  { signal, onProgress }: WriteIntoOptions,
): Promise<void> {
  checkPytorchTensors(model);
  const zip = zipWriter(sink, ALIGNMENT);
  const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
  const giveWay = createYielder(signal);
  await zip.add(`${FOLDER}/data.pkl`, stateDictPickle(model.tensors));
  await zip.add(`${FOLDER}/byteorder`, ascii("little"));
  let done = 0;
  for (const [name, info] of model.tensors) {
    await giveWay();
    const bytes = await model.read(name, signal);
    const expected = tensorBytes(info);
    if (bytes.length !== expected)
      throw new RangeError(`${model.name} tensor ${describe(name)} gave ${bytes.length} bytes, expected ${expected}`);
    await zip.add(`${FOLDER}/data/${done}`, bytes);
    done++;
    onProgress?.({ stage: "write", done, total: model.tensors.size });
  }
  await zip.add(`${FOLDER}/version`, ascii("3\n"));
  await zip.finish();
}

/** An ordered dictionary of tensors, whose storages are `0`, `1`, … */
function stateDictPickle(tensors: ReadonlyMap<string, TensorInfo>): Uint8Array {
  const pickle = new PickleWriter().op(0x80, 2).orderedDict().op(0x28);
  let key = 0;
  for (const [name, info] of tensors) {
    pickle.text(name);
    putTensor(pickle, info, String(key));
    key++;
  }
  return pickle.op(0x75, 0x2e).bytes();
}

/**
 * A call of `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks)`, or of v3 with the dtype
 * behind.
 */
function putTensor(pickle: PickleWriter, info: TensorInfo, key: string): void {
  const storage = STORAGES[info.dtype];
  pickle.global("torch._utils", storage === undefined ? "_rebuild_tensor_v3" : "_rebuild_tensor_v2").op(0x28);
  // ("storage", class, key, location, elements)
  pickle.op(0x28).text("storage");
  if (storage === undefined) pickle.global("torch.storage", "UntypedStorage");
  else pickle.global("torch", storage);
  pickle.text(key).text("cpu");
  pickle.integer(storage === undefined ? tensorBytes(info) : elementCount(info.shape)).op(0x74, 0x51);
  pickle.integer(0).tuple(info.shape).tuple(rowMajor(info.shape)).op(0x89).orderedDict();
  if (storage === undefined) pickle.global("torch", DTYPES_BY_NAME[info.dtype]!);
  pickle.op(0x74, 0x52);
}
