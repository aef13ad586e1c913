/**
 * The registry of formats. An entry costs little; what opens and writes a format is loaded with the first file of
 * it.
 */

import { looksLikeFlax } from "./flax/looks-like-flax.ts";
import type { Format } from "./format.ts";
import { looksLikeHdf5, looksLikeKeras } from "./keras/looks-like-keras.ts";
import { looksLikeNpz } from "./npz/looks-like-npz.ts";
import { looksLikeOnnx } from "./onnx/looks-like-onnx.ts";
import { looksLikePytorch } from "./pytorch/looks-like-pytorch.ts";
import { looksLikeSafetensors } from "./safetensors/looks-like-safetensors.ts";
import { looksLikeTfjs } from "./tfjs/looks-like-tfjs.ts";

/** Of Hugging Face: one file a model, or shards in a folder with an index. */
export const safetensors: Format = {
  name: "safetensors",
  title: "safetensors",
  endings: [".safetensors"],
  inFolder: "model.safetensors",
  fresh: true,
  keepsMetadata: true,
  recognises: looksLikeSafetensors,
  load: () => import("./safetensors/safetensors-format.ts"),
};

/** Archives of `torch.save`, read without running the pickle in them. */
export const pytorch: Format = {
  name: "pytorch",
  title: "PyTorch (.pt .pth .bin .ckpt)",
  endings: [".pt", ".pth", ".bin", ".ckpt"],
  inFolder: "pytorch_model.bin",
  fresh: true,
  keepsMetadata: false,
  recognises: looksLikePytorch,
  load: () => import("./pytorch/pytorch-format.ts"),
};

/** Archives of NumPy arrays by name. */
export const npz: Format = {
  name: "npz",
  title: "NumPy (.npz)",
  endings: [".npz"],
  fresh: true,
  keepsMetadata: false,
  recognises: looksLikeNpz,
  load: () => import("./npz/npz-format.ts"),
};

/** A single array: read, and written where one was read. */
export const npy: Format = {
  name: "npy",
  title: "NumPy (.npy)",
  endings: [".npy"],
  fresh: false,
  keepsMetadata: false,
  recognises: (head) => head[0] === 0x93 && String.fromCharCode(...head.subarray(1, 6)) === "NUMPY",
  load: () => import("./npz/npz-format.ts"),
};

/** Open Neural Network Exchange: the graph is read for how it uses its tensors, and written back as it was. */
export const onnx: Format = {
  name: "onnx",
  title: "ONNX (.onnx)",
  endings: [".onnx"],
  fresh: false,
  keepsMetadata: true,
  recognises: looksLikeOnnx,
  load: () => import("./onnx/onnx-format.ts"),
};

/** `model.json` and its shards, and manifests of weights alone. */
export const tfjs: Format = {
  name: "tfjs",
  title: "TensorFlow.js (model.json)",
  endings: [".json"],
  inFolder: "model.json",
  fresh: false,
  keepsMetadata: false,
  recognises: looksLikeTfjs,
  load: () => import("./tfjs/tfjs-format.ts"),
};

/** MessagePack of `flax.serialization.to_bytes`. */
export const flax: Format = {
  name: "flax",
  title: "Flax (.msgpack)",
  endings: [".msgpack"],
  inFolder: "flax_model.msgpack",
  fresh: false,
  keepsMetadata: false,
  recognises: looksLikeFlax,
  load: () => import("./flax/flax-format.ts"),
};

/** Keras' archives: a model's JSON, and its weights in HDF5. */
export const keras: Format = {
  name: "keras",
  title: "Keras (.keras)",
  endings: [".keras"],
  inFolder: "model.keras",
  fresh: false,
  keepsMetadata: false,
  recognises: looksLikeKeras,
  load: () => import("./keras/keras-format.ts"),
};

/** Keras' older files and its weights alone, and what h5py wrote. */
export const hdf5: Format = {
  name: "hdf5",
  title: "HDF5 (Keras .h5 .weights.h5)",
  endings: [".h5", ".hdf5"],
  inFolder: "tf_model.h5",
  fresh: false,
  keepsMetadata: false,
  recognises: looksLikeHdf5,
  load: () => import("./keras/hdf5-format.ts"),
};

/** Every format, in the order in which they are asked. */
export const FORMATS: readonly Format[] = [safetensors, pytorch, npz, npy, onnx, tfjs, flax, keras, hdf5];

/** The format of that name. Throws `RangeError` for an unknown one. */
export function formatNamed(name: string): Format {
  const found = FORMATS.find((format) => format.name === name);
  if (found !== undefined) return found;
  throw new RangeError(`format ${name}, expected one of ${FORMATS.map((format) => format.name).join(", ")}`);
}
