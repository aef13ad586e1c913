/** HDF5 for the registry: `.h5` and `.weights.h5` of Keras, and files of h5py. */

import type { Model, Origin } from "../../base/model.ts";
import { writePatched } from "../../io/write-patched.ts";
import { writeThenClose } from "../../io/write-then-close.ts";
import type { FormatModule } from "../format.ts";
import { checkPlacesToWrite, hdf5Patches } from "../hdf5/write-hdf5.ts";
import { requireNumbersRead, requireSameInfos, staleNotes } from "../same-contents.ts";
import type { KerasModel } from "./graph/read-config.ts";
import { type Hdf5Container, openHdf5Model } from "./open-hdf5.ts";
import { graphOfConfig, parseConfig } from "./read-graph.ts";

export const open: FormatModule["open"] = (source, _files, { assume, signal, maxIndexBytes }) =>
  openHdf5Model(source, { assume, signal, maxIndexBytes });

export const checkWrite: NonNullable<FormatModule["checkWrite"]> = (model, like) => {
  const into = containerOf(like);
  if (into === undefined)
    throw new RangeError(
      `${model.name} as a new HDF5 file, expected a model that came from one: its groups go with it`,
    );
  checkHdf5Write(model, into, into.file.name);
};

/** The layers that a file of a whole model has; undefined for weights alone, and for a custom class. */
export const layersIn = ({ file, config }: Hdf5Container): KerasModel | undefined =>
  config === undefined ? undefined : parseConfig(config, file.name);

export const readGraph: NonNullable<FormatModule["readGraph"]> = async ({ container }) => {
  const { file, tensors, producer } = container as Hdf5Container;
  const model = layersIn(container as Hdf5Container);
  return model && graphOfConfig(model, tensors.keys(), file.name, producer);
};

/** Throws `RangeError` unless the tensors have room in the file. */
export function checkHdf5Write(model: Pick<Model, "name" | "tensors">, into: Hdf5Container, name: string): void {
  requireNumbersRead(into.leftOut, name);
  requireSameInfos(model, into.tensors, name);
  checkPlacesToWrite(into.tensors, name);
}

export const write: NonNullable<FormatModule["write"]> = (model, sink, { like, ...options }) =>
  writeThenClose(sink, options.signal, async () => {
    checkWrite(model, like);
    const into = containerOf(like)!;
    const { patches, hasChanged } = hdf5Patches(into.file, into.tensors, model, options);
    await writePatched(into.file.source, patches, sink, options.signal);
    return hasChanged() ? staleNotes(into.file.name, into.training, into.others) : [];
  });

function containerOf(like: Origin | undefined): Hdf5Container | undefined {
  return like?.format === "hdf5" ? (like.container as Hdf5Container) : undefined;
}
