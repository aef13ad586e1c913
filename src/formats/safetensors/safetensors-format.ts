/**
 * safetensors for the registry: opens as always; writes a new file, or into a copy of one whose tensors are the
 * same.
 */

import type { Model } from "../../base/model.ts";
import type { ByteSink } from "../../io/sink.ts";
import type { FormatModule } from "../format.ts";
import { sameEntries, sameTensorInfos } from "../same-contents.ts";
import { openSafetensors, type SafetensorsContainer } from "./open-safetensors.ts";
import { headerBytes, writeBehind, writeSafetensors } from "./write-safetensors.ts";

export const open: FormatModule["open"] = (source, _files, { signal }) => openSafetensors(source, { signal });

export const write: NonNullable<FormatModule["write"]> = async (model, sink, { like, ...options }) => {
  const container = like?.format === "safetensors" ? (like.container as SafetensorsContainer) : undefined;
  // A file has no room for other tensors than its own: then it is a new file.
  if (container === undefined || !sameTensorInfos(model.tensors, container.tensors))
    await writeSafetensors(model, sink, options);
  else await writeInto(container, model, sink, options);
  return [];
};

/** In the file's own order; with its own header, byte for byte, where that still holds. */
async function writeInto(
  { source, dataStart, tensors, metadata }: SafetensorsContainer,
  model: Model,
  sink: ByteSink,
  options: Parameters<typeof writeSafetensors>[2] = {},
): Promise<void> {
  let header: Uint8Array;
  try {
    header = sameEntries(model.metadata, metadata)
      ? await source.slice(0, dataStart, options.signal)
      : headerBytes(tensors, model.metadata);
  } catch (error) {
    await sink.abort().catch(() => {});
    throw error;
  }
  await writeBehind(header, { ...model, tensors, read: (...words) => model.read(...words) }, sink, options);
}
