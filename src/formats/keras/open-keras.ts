/** Opens `.keras` files: archives of a model's JSON and its weights in HDF5. */

import { describe } from "../../base/describe.ts";
import { FormatError } from "../../base/errors.ts";
import type { Model } from "../../base/model.ts";
import { visible } from "../../base/visible.ts";
import { type ByteSource, bytesSource } from "../../io/byte-source.ts";
import { openZip, openZipEntry, readZipEntry, type Zip } from "../../io/zip.ts";
import type { ZipEntry } from "../../io/zip-directory.ts";
import { type Hdf5Container, type Hdf5Options, hdf5Details, openHdf5 } from "./open-hdf5.ts";

/** What a model remembers of its archive. */
export interface KerasContainer {
  readonly zip: Zip;
  readonly weights: ZipEntry;
  readonly inside: Hdf5Container;
}

const WEIGHTS = "model.weights.h5";
/** The JSON of models of thousands of layers has some megabytes. */
const MAX_JSON_BYTES = 2 ** 28;

/**
 * Opens a `.keras` file: reads the archive's directory, its JSON and the structure of its weights. Names are paths of
 * datasets: `layers/dense/vars/0`. Where the weights are packed in the archive they are unpacked into memory; else
 * `read` gives a *view* where the source gives one.
 *
 * @throws {FormatError} naming the file, the entry and the byte: for what is malformed
 * @throws {RangeError} for an `assume` that is none
 *
 * @example
 * const model = await openKeras(bytesSource(bytes, "model.keras"));
 */
export async function openKeras(source: ByteSource, options: Hdf5Options = {}): Promise<Model> {
  const { signal, maxIndexBytes } = options;
  const zip = await openZip(source, signal, maxIndexBytes);
  const weights = zip.entries.get(WEIGHTS);
  if (weights === undefined) {
    const parts = [...zip.entries.keys()].find((name) => /\.weights\.(npz|json)$/.test(name));
    const found = parts === undefined ? "" : `, but ${describe(parts)}`;
    throw new FormatError(
      `${source.name} has no entry "${WEIGHTS}"${found}, expected one: save the model again with h5py installed`,
    );
  }
  const content =
    weights.method === 0
      ? await openZipEntry(zip, weights, signal)
      : bytesSource(await readZipEntry(zip, weights, signal), `${source.name} entry "${WEIGHTS}"`);
  const opened = await openHdf5(content, options);
  const version = await jsonText(zip, "metadata.json", signal);
  const details: [string, string][] = [
    ["kind", "whole model"],
    ["producer", version === undefined ? "" : producerOf(version, source.name)],
    ...hdf5Details(opened).filter(([label]) => label !== "kind" && label !== "producer"),
  ];
  const container: KerasContainer = { zip, weights, inside: opened.container };
  return {
    name: source.name,
    tensors: opened.infos,
    metadata: new Map(),
    origin: { format: "keras", details: details.filter(([, text]) => text !== ""), container },
    read: opened.read,
    async close() {
      opened.close();
      await source.close?.();
    },
  };
}

/** The text of an entry that is JSON; undefined where there is none. */
export async function jsonText(zip: Zip, name: string, signal: AbortSignal | undefined): Promise<string | undefined> {
  const entry = zip.entries.get(name);
  if (entry === undefined) return undefined;
  if (entry.size > MAX_JSON_BYTES)
    throw new FormatError(
      `${zip.source.name} entry ${describe(name)} has ${entry.size} bytes, expected at most ${MAX_JSON_BYTES}`,
    );
  return new TextDecoder().decode(Uint8Array.from(await readZipEntry(zip, entry, signal)));
}

function producerOf(text: string, file: string): string {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(`${file} entry "metadata.json" is not valid JSON, expected a version of Keras`, { cause });
  }
  const version = (json as { keras_version?: unknown } | null)?.keras_version;
  return typeof version === "string" ? `Keras ${visible(version.slice(0, 80))}` : "";
}
