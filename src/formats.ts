/**
 * Entry `rebasin/formats`: models in other formats and in several files, in every runtime. Opening needs nothing of it:
 * `openModel` of `rebasin` loads what a file needs. Edge workers import the formats they read, and pass them on.
 *
 * @example
 * import { memorySink, openModel } from "rebasin";
 * import { pytorch, writeModel } from "rebasin/formats";
 *
 * const model = await openModel(new Uint8Array(await (await fetch("model.safetensors")).arrayBuffer()));
 * const sink = memorySink();
 * await writeModel(model, sink, { format: pytorch.name });
 */

export { type FolderWriteOptions, writeFolder } from "./formats/folder/write-folder.ts";
export type { Format, FormatModule, FormatOptions, FormatWriteOptions } from "./formats/format.ts";
export { flax, hdf5, keras, npy, npz, onnx, pytorch, safetensors, tfjs } from "./formats/formats.ts";
export type { ListedLayer } from "./formats/keras/layers-of.ts";
export { listLayers } from "./formats/list-layers.ts";
export { readGraph } from "./formats/operator-graph.ts";
export { namedAs } from "./formats/same-names.ts";
export { type WriteModelOptions, writeModel } from "./formats/write-model.ts";
export { blobFiles, droppedFiles, type Files } from "./io/files.ts";
export { type PrivateFileSink, privateFileSink, removePrivateFiles } from "./io/private-file-sink.ts";
export type { FolderSink } from "./io/sink.ts";
export { urlFiles } from "./io/url-files.ts";
