/** Entry `rebasin/data`: labelled images for evaluation, matching and repair, from files' bytes. For every runtime. */

export { FormatError } from "./base/errors.ts";
export { averagePoolTo } from "./data/average-pool.ts";
export { readCifar } from "./data/cifar.ts";
export { createDataset, type ImageData, type Normalisation } from "./data/create-dataset.ts";
export type { Dataset } from "./data/dataset.ts";
export { type IdxArray, type NamedBytes, parseIdx, readIdxImages } from "./data/idx.ts";
export { type NpyArray, parseNpy } from "./data/npy.ts";
export { type NamedArray, npyDataset } from "./data/npy-images.ts";
export { readNpz } from "./data/npz.ts";
export { type Batch, batches, firstImages, subset } from "./data/select.ts";
