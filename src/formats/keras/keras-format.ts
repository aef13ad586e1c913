/** Keras' archives for the registry. */

import type { Origin } from "../../base/model.ts";
import { writeThenClose } from "../../io/write-then-close.ts";
import { readZipEntry } from "../../io/zip.ts";
import { patchZip } from "../../io/zip-patch.ts";
import type { FormatModule } from "../format.ts";
import { hdf5Patches } from "../hdf5/write-hdf5.ts";
import { staleNotes } from "../same-contents.ts";
import type { KerasModel } from "./graph/read-config.ts";
import { checkHdf5Write } from "./hdf5-format.ts";
import { jsonText, type KerasContainer, openKeras } from "./open-keras.ts";
import { graphOfConfig, parseConfig } from "./read-graph.ts";

export const open: FormatModule["open"] = (source, _files, { assume, signal, maxIndexBytes }) =>
  openKeras(source, { assume, signal, maxIndexBytes });

export const checkWrite: NonNullable<FormatModule["checkWrite"]> = (model, like) => {
  const into = containerOf(like);
  if (into === undefined)
    throw new RangeError(
      `${model.name} as a new .keras file, expected a model that came from one: its layers go with it`,
    );
  checkHdf5Write(model, into.inside, into.zip.source.name);
};

/** The layers of an archive; undefined for a custom class, which only its Python shows. */
export async function layersIn({ zip }: KerasContainer, signal?: AbortSignal): Promise<KerasModel | undefined> {
  const config = await jsonText(zip, "config.json", signal);
  return config === undefined ? undefined : parseConfig(config, zip.source.name);
}

export const readGraph: NonNullable<FormatModule["readGraph"]> = async ({ container }, { signal }) => {
  const { zip, inside } = container as KerasContainer;
  const model = await layersIn(container as KerasContainer, signal);
  return model && graphOfConfig(model, inside.tensors.keys(), zip.source.name, "Keras");
};

export const write: NonNullable<FormatModule["write"]> = (model, sink, { like, ...options }) =>
  writeThenClose(sink, options.signal, async () => {
    checkWrite(model, like);
    const { zip, weights, inside } = containerOf(like)!;
    let changed = false;
    const content = async (): Promise<Uint8Array | undefined> => {
      // Read whole, so that a damaged entry does not get a new checksum; in memory, as its checksum comes before it.
      const now = Uint8Array.from(await readZipEntry(zip, weights, options.signal));
      const { patches, hasChanged } = hdf5Patches(inside.file, inside.tensors, model, options);
      for (const { offset, read } of patches) now.set((await read(options.signal))!, offset);
      changed = hasChanged();
      return changed ? now : undefined;
    };
    await patchZip(zip, new Map([[weights.name, content]]), sink, options.signal);
    return changed ? staleNotes(zip.source.name, inside.training, inside.others) : [];
  });

function containerOf(like: Origin | undefined): KerasContainer | undefined {
  return like?.format === "keras" ? (like.container as KerasContainer) : undefined;
}
