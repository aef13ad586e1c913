/** Data sets by the names under which they are published: MNIST's, CIFAR's, NumPy's. Loaded with the first one. */

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { FormatError } from "../base/errors.ts";
import { checkOptions, type OptionKinds, type Running } from "../base/options.ts";
import { averagePoolTo } from "../data/average-pool.ts";
import { readCifar } from "../data/cifar.ts";
import { NORMALISATION, type Normalisation } from "../data/create-dataset.ts";
import type { Dataset } from "../data/dataset.ts";
import { type NamedBytes, readIdxImages } from "../data/idx.ts";
import { parseNpy } from "../data/npy.ts";
import { npyDataset } from "../data/npy-images.ts";
import { readNpz } from "../data/npz.ts";
import { firstImages } from "../data/select.ts";
import { fileSource } from "./file-source.ts";
import { codeOf, wordsOf } from "./system-error.ts";

/** Which half of a data set. */
export type Split = "train" | "test";

export interface DataFolderOptions extends Normalisation, Pick<Running, "signal"> {
  readonly split: Split;
  /** Only the first so many images. Default: all. */
  readonly limit?: number | undefined;
  /** Side of the images the network takes: they are average-pooled to it. Default: as they are. */
  readonly inputSize?: number | undefined;
}

const OPTIONS: OptionKinds<DataFolderOptions> = {
  split: "string",
  limit: "number",
  inputSize: "number",
  signal: "signal",
  ...NORMALISATION,
};

/** Where to get the data when it is missing. */
export const DATA_PLACES: string =
  "Fashion-MNIST: https://github.com/zalandoresearch/fashion-mnist, CIFAR: https://www.cs.toronto.edu/~kriz/cifar.html";

/** Files of a folder by their names; names are looked up in subfolders that the archives unpack to as well. */
interface Folder {
  readonly path: string;
  readonly files: ReadonlySet<string>;
}

/** One way in which a split may be stored in a folder. */
interface Format {
  /** For messages. */
  readonly looksFor: (split: Split) => string;
  /**
   * Names of the files in the order in which they are read; undefined where the first is missing. Throws
   * `FormatError` where only others are.
   */
  readonly find: (folder: Folder, split: Split) => string[] | undefined;
  readonly read: (files: readonly NamedBytes[], split: Split, options: Reading) => Promise<Dataset> | Dataset;
}

type Reading = Normalisation & { readonly name: string };

/** The first of `names` that is there, also gzipped where `gzip`. */
function pick({ files }: Folder, names: readonly string[], gzip = false): string | undefined {
  return names.flatMap((name) => (gzip ? [name, `${name}.gz`] : [name])).find((name) => files.has(name));
}

/** What `pick` finds beside `first`; throws `FormatError` where there is nothing. */
function pickBeside(folder: Folder, first: string, names: readonly string[], gzip = false): string {
  const found = pick(folder, names, gzip);
  if (found !== undefined) return found;
  const wanted = `${names[0]}${gzip ? " or .gz" : ""}`;
  throw new FormatError(
    `${join(folder.path, names[0]!)} not found, expected ${wanted} beside ${first} (${DATA_PLACES})`,
  );
}

const idx: Format = {
  looksFor: (split) => `${idxPrefix(split)}-images-idx3-ubyte[.gz]`,
  find(folder, split) {
    const names = (kind: string, axes: number): string[] =>
      ["-", "."].map((dot) => `${idxPrefix(split)}-${kind}${dot}idx${axes}-ubyte`);
    const images = pick(folder, names("images", 3), true);
    return images === undefined ? undefined : [images, pickBeside(folder, images, names("labels", 1), true)];
  },
  read: ([images, labels], _split, options) => readIdxImages(images!, labels!, options),
};

const idxPrefix = (split: Split): string => (split === "train" ? "train" : "t10k");

/** CIFAR-10 has its training images in five files. */
const cifar10: Format = {
  looksFor: (split) => (split === "train" ? "data_batch_1.bin" : "test_batch.bin"),
  find(folder, split) {
    const place = ["", "cifar-10-batches-bin/"].find((prefix) =>
      folder.files.has(`${prefix}${cifar10.looksFor(split)}`),
    );
    if (place === undefined) return undefined;
    if (split === "test") return [`${place}test_batch.bin`];
    const [first, ...rest] = [1, 2, 3, 4, 5].map((i) => `${place}data_batch_${i}.bin`);
    return [first!, ...rest.map((name) => pickBeside(folder, first!, [name]))];
  },
  read: (files, _split, options) => readCifar(files, { ...options, classes: 10 }),
};

const cifar100: Format = {
  looksFor: (split) => `${split}.bin`,
  find(folder, split) {
    const found = pick(folder, [`${split}.bin`, `cifar-100-binary/${split}.bin`]);
    return found === undefined ? undefined : [found];
  },
  read: (files, _split, options) => readCifar(files, { ...options, classes: 100 }),
};

const npz: Format = {
  looksFor: (split) => `${split}.npz`,
  find(folder, split) {
    const found = pick(folder, [`${split}.npz`, "mnist.npz"]);
    return found === undefined ? undefined : [found];
  },
  async read([file], split, options) {
    const arrays = await readNpz(file!);
    const named = (names: readonly string[]) => {
      const found = names.find((name) => arrays.has(name));
      if (found !== undefined) return { name: `${file!.name}: ${found}.npy`, array: arrays.get(found)! };
      const held = [...arrays.keys()].join(", ") || "no arrays";
      throw new FormatError(`${file!.name} holds ${held}, expected one of ${names.join(", ")}`);
    };
    return npyDataset(named([`x_${split}`, "x", "images"]), named([`y_${split}`, "y", "labels"]), options);
  },
};

const npy: Format = {
  looksFor: (split) => `x_${split}.npy`,
  find(folder, split) {
    const images = pick(folder, [`x_${split}.npy`]);
    return images === undefined ? undefined : [images, pickBeside(folder, images, [`y_${split}.npy`])];
  },
  read(files, _split, options) {
    const [images, labels] = files.map(({ name, bytes }) => ({ name, array: parseNpy(bytes, name) }));
    return npyDataset(images!, labels!, options);
  },
};

const FORMATS: readonly Format[] = [idx, cifar10, cifar100, npz, npy];
const SUBFOLDERS = ["cifar-10-batches-bin", "cifar-100-binary"];

async function list(path: string): Promise<Folder> {
  const names = async (folder: string): Promise<string[]> => {
    try {
      return await readdir(folder);
    } catch (error) {
      if (codeOf(error) === undefined) throw error;
      const what = codeOf(error) === "ENOENT" ? "no such folder" : wordsOf(error);
      throw new FormatError(`${folder}: ${what}, expected a folder of images (${DATA_PLACES})`, { cause: error });
    }
  };
  const files = new Set(await names(path));
  for (const inner of SUBFOLDERS.filter((name) => files.has(name)))
    for (const name of await names(join(path, inner))) files.add(`${inner}/${name}`);
  return { path, files };
}

async function readWhole(path: string, signal: AbortSignal | undefined): Promise<NamedBytes> {
  const source = await fileSource(path);
  try {
    return { name: path, bytes: await source.slice(0, source.byteLength, signal) };
  } finally {
    await source.close?.();
  }
}

/** `readDataFolder` itself: its docstring is in `data-folder.ts`. */
export async function readFolder(path: string, options: DataFolderOptions): Promise<Dataset> {
  checkOptions("readDataFolder", options, OPTIONS);
  const { split, limit, inputSize, signal, ...normalisation } = options;
  if (split !== "train" && split !== "test") throw new RangeError(`split "${split}", expected "train" or "test"`);
  const folder = await list(path);
  const found = FORMATS.flatMap((format) => {
    const files = format.find(folder, split);
    return files === undefined ? [] : [{ format, files }];
  });
  const [one, other] = found;
  if (one === undefined) {
    const names = FORMATS.map((format) => format.looksFor(split));
    throw new FormatError(`${path} has no ${split} images, expected one of ${names.join(", ")} (${DATA_PLACES})`);
  }
  if (other !== undefined)
    throw new FormatError(
      `${path} has ${split} images twice (${one.files[0]} and ${other.files[0]}), expected one kind`,
    );
  const files: NamedBytes[] = [];
  for (const file of one.files) files.push(await readWhole(join(path, file), signal));
  signal?.throwIfAborted();
  const whole = await one.format.read(files, split, { ...normalisation, name: `${path} (${split})` });
  const some = limit === undefined ? whole : firstImages(whole, limit);
  return inputSize === undefined ? some : averagePoolTo(some, inputSize);
}
