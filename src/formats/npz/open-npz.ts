/** Opens NumPy's archives of arrays (.npz), and single arrays (.npy), as models. */

import { listFirst } from "../../base/compare-tensors.ts";
import { describe } from "../../base/describe.ts";
import { FormatError } from "../../base/errors.ts";
import type { BytePart, Model, TensorInfo } from "../../base/model.ts";
import { createYielder } from "../../base/progress.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import { readAhead } from "../../io/read-ahead.ts";
import { checkZipEntry, openZip, openZipEntry, readZipEntry, type Zip } from "../../io/zip.ts";
import { fromNpyOrder, type NpyLayout, readNpyLayout } from "./npy-array.ts";
import { parseAssumed } from "./npy-dtypes.ts";

export interface NpzOptions {
  /** What codes of no known type mean: `V2=bf16`. */
  readonly assume?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly maxIndexBytes?: number | undefined;
}

/** What a model remembers of its file, for writing into a copy of it. */
export interface NpzContainer {
  readonly source: ByteSource;
  /** Undefined for a .npy file. */
  readonly zip: Zip | undefined;
  readonly arrays: ReadonlyMap<string, NpyLayout>;
}

export const SUFFIX = ".npy";
/** The name that NumPy gives to an array without one. */
export const LONE_ARRAY = "arr_0";

/**
 * Opens a .npz archive: reads its directory and the arrays' headers. The names are those of the entries, without the
 * ending. Text, objects, dates and records are left out, and survive writing back. `read` checks an array's CRC. It
 * returns a *view* where the source does and the array is stored, row-major and little-endian.
 *
 * @throws {FormatError} naming file and entry: for what is malformed, and for arrays of types that are no dtype here
 * @throws {RangeError} for an `assume` that is none
 *
 * @example
 * const model = await openNpz(bytesSource(bytes, "model.npz"));
 */
export async function openNpz(source: ByteSource, { assume, signal, maxIndexBytes }: NpzOptions = {}): Promise<Model> {
  const { name } = source;
  const assumed = parseAssumed(assume);
  const zip = await openZip(source, signal, maxIndexBytes);
  const giveWay = createYielder(signal);
  const near = { ...zip, source: readAhead(source) };
  const arrays = new Map<string, NpyLayout>();
  const skipped: string[] = [];
  for (const entry of zip.entries.values()) {
    if (!entry.name.endsWith(SUFFIX)) continue;
    await giveWay();
    const layout = await readNpyLayout(await openZipEntry(near, entry, signal), assumed, signal);
    const array = entry.name.slice(0, -SUFFIX.length);
    if (typeof layout === "string") skipped.push(`${array} (${layout})`);
    else arrays.set(array, layout);
  }
  if (arrays.size === 0) throw new FormatError(`${name} holds no arrays of numbers, expected a .npz of NumPy`);
  const details: [string, string][] = skipped.length > 0 ? [["no numbers", listFirst(skipped)]] : [];
  const checked = new Set<string>();
  return modelOf("npz", { source, zip, arrays }, details, async (array, layout, readSignal, part) => {
    const entry = zip.entries.get(array + SUFFIX)!;
    const { dataStart, isFortran } = layout;
    if (part === undefined || isFortran || entry.method !== 0)
      return fromNpyOrder((await readZipEntry(zip, entry, readSignal)).subarray(dataStart), layout);
    if (!checked.has(array)) await checkZipEntry(zip, entry, readSignal);
    checked.add(array);
    const content = await openZipEntry(zip, entry, readSignal);
    return fromNpyOrder(await content.slice(dataStart + part[0], dataStart + part[1], readSignal), layout);
  });
}

/**
 * Opens a .npy file: one array, called `arr_0`, as NumPy calls what has no name.
 *
 * @throws {FormatError} for what is malformed, and for an array of no numbers
 * @throws {RangeError} for an `assume` that is none
 */
export async function openNpy(source: ByteSource, { assume, signal }: NpzOptions = {}): Promise<Model> {
  const layout = await readNpyLayout(source, parseAssumed(assume), signal);
  if (typeof layout === "string") throw new FormatError(`${source.name} holds ${layout}, expected an array of numbers`);
  const arrays = new Map([[LONE_ARRAY, layout]]);
  return modelOf(
    "npy",
    { source, zip: undefined, arrays },
    [],
    async (_, { dataStart, isFortran, isBig }, readSignal, part) => {
      const [begin, end] = (!isFortran && !isBig && part) || [0, source.byteLength - dataStart];
      return fromNpyOrder(await source.slice(dataStart + begin, dataStart + end, readSignal), layout);
    },
  );
}

function modelOf(
  format: string,
  container: NpzContainer,
  details: [string, string][],
  read: (array: string, layout: NpyLayout, signal?: AbortSignal, part?: BytePart) => Promise<Uint8Array>,
): Model {
  const { source, arrays } = container;
  return {
    name: source.name,
    tensors: new Map(
      Array.from(arrays, ([array, { dtype, shape }]): [string, TensorInfo] => [array, { dtype, shape }]),
    ),
    metadata: new Map(),
    origin: { format, details, container },
    async read(array, signal, _into, part) {
      const layout = arrays.get(array);
      if (layout === undefined)
        throw new RangeError(`${source.name} has no tensor ${describe(array)}, expected one of its names`);
      return read(array, layout, signal, part);
    },
    async close() {
      await source.close?.();
    },
  };
}
