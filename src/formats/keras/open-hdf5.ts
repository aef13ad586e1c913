/** Opens HDF5 files as models: `.h5` and `.weights.h5` of Keras, and all files of h5py. */

import { listFirst } from "../../base/compare-tensors.ts";
import { describe } from "../../base/describe.ts";
import { FormatError } from "../../base/errors.ts";
import { kerasVariables } from "../../base/keras-variables.ts";
import type { Model, TensorInfo } from "../../base/model.ts";
import { visible } from "../../base/visible.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import { type NumberDataset, readElements } from "../hdf5/dataset.ts";
import type { Hdf5Bytes } from "../hdf5/hdf5-bytes.ts";
import { readTree } from "../hdf5/tree.ts";
import { parseAssumed } from "../npz/npy-dtypes.ts";
import { type ChosenWeights, chooseWeights } from "./choose-weights.ts";

export interface Hdf5Options {
  /** What bytes of no known type are: `V2=bf16`. */
  readonly assume?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly maxIndexBytes?: number | undefined;
}

/** What a model remembers of its HDF5 file, for writing into a copy of it. */
export interface Hdf5Container {
  readonly file: Hdf5Bytes;
  readonly tensors: ReadonlyMap<string, NumberDataset>;
  readonly leftOut: readonly { readonly name: string; readonly what: string; readonly isNumeric: boolean }[];
  readonly training: readonly string[];
  readonly others: readonly string[];
  /** Keras' JSON of the model, and who wrote it. */
  readonly config: string | undefined;
  readonly producer: string;
}

/** The tensors of an HDF5 file, and its description. */
export interface OpenHdf5 {
  readonly container: Hdf5Container;
  readonly chosen: ChosenWeights;
  readonly infos: ReadonlyMap<string, TensorInfo>;
  read: Model["read"];
  /** Frees what another reader holds. The source stays open. Safe to call twice. */
  close(): void;
}

/** Reads the structure of an HDF5 file, not its tensors. `name` begins messages about tensors that are not there. */
export async function openHdf5(source: ByteSource, { assume, ...options }: Hdf5Options): Promise<OpenHdf5> {
  const tree = await readTree(source, { ...options, assumed: parseAssumed(assume) });
  const { file } = tree;
  const chosen = await chooseWeights(tree);
  const tensors = new Map<string, NumberDataset>();
  const leftOut: Hdf5Container["leftOut"][number][] = [];
  for (const [name, dataset] of chosen.tensors) {
    if (dataset.kind === "numbers") tensors.set(name, dataset);
    else leftOut.push({ name, what: visible(dataset.what), isNumeric: dataset.isNumeric });
  }
  if (tensors.size === 0) {
    const left = listFirst(leftOut.map(({ name, what }) => `${name} (${what})`));
    throw new FormatError(`${file.name} holds ${left || "no datasets"}, expected datasets of numbers`);
  }
  const { training, others, config, producer } = chosen;
  const variables = kerasVariables(tensors.keys());
  await openStrange(file, tensors, options.signal);
  return {
    container: { file, tensors, leftOut, training, others, config, producer },
    chosen,
    infos: new Map(
      Array.from(tensors, ([name, { dtype, shape }]): [string, TensorInfo] => {
        const variable = variables.get(name);
        return [name, { dtype, shape, use: variable === undefined ? undefined : { variable } }];
      }),
    ),
    async read(name, signal, _into, part) {
      const dataset = tensors.get(name);
      if (dataset === undefined)
        throw new RangeError(`${file.name} has no tensor ${describe(name)}, expected one of its names`);
      return readElements(file, dataset, signal, part);
    },
    close() {
      file.outside?.close();
      file.outside = undefined;
    },
  };
}

/** Opens another reader where a dataset needs one. */
async function openStrange(
  file: Hdf5Bytes,
  tensors: ReadonlyMap<string, NumberDataset>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const strange = [...tensors.values()].find(({ outside }) => outside !== undefined);
  if (strange === undefined) return;
  const why = `dataset ${describe(strange.path)} is stored with ${strange.outside}`;
  file.outside = await (await import("./by-h5wasm.ts")).openOutside(file, why, signal);
}

/** What `inspect` shows of an HDF5 file. */
export function hdf5Details({ chosen, container }: OpenHdf5): [string, string][] {
  const packed = [...container.tensors.values()].filter(({ filters }) => filters.length > 0).length;
  const details: [string, string][] = [
    ["kind", chosen.kind],
    ["producer", visible(chosen.producer)],
    ["packed", packed === 0 ? "" : `${packed} tensors`],
    ["left as is", listFirst(container.leftOut.map(({ name, what }) => `${name} (${what})`))],
    ["training", listFirst(chosen.training)],
    ["not read", listFirst(chosen.others)],
  ];
  return details.filter(([, text]) => text !== "");
}

/**
 * Opens an HDF5 file. Names are the paths of datasets; in Keras' `.h5` those from the group of the weights on, in the
 * order of `layer_names`. `read` gives a *view* where the source gives one and the tensor is whole and little-endian,
 * else a copy.
 *
 * @throws {FormatError} naming the file and the byte or the dataset: for what is malformed, and elements in other files
 * @throws {RangeError} for an `assume` that is none
 *
 * @example
 * const model = await openHdf5Model(bytesSource(bytes, "model.weights.h5"));
 */
export async function openHdf5Model(source: ByteSource, options: Hdf5Options = {}): Promise<Model> {
  const opened = await openHdf5(source, options);
  return {
    name: source.name,
    tensors: opened.infos,
    metadata: new Map(),
    origin: { format: "hdf5", details: hdf5Details(opened), container: opened.container },
    read: opened.read,
    async close() {
      opened.close();
      await source.close?.();
    },
  };
}
