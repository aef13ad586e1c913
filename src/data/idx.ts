/** IDX, the format of MNIST and Fashion-MNIST (http://yann.lecun.com/exdb/mnist/). */

import { FormatError } from "../base/errors.ts";
import { elementCount } from "../base/model.ts";
import { createDataset, type Normalisation } from "./create-dataset.ts";
import type { Dataset } from "./dataset.ts";
import { maybeGunzip } from "./gunzip.ts";

/** Bytes and how messages call them. */
export interface NamedBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** An array of unsigned bytes, row-major. */
export interface IdxArray {
  readonly shape: readonly number[];
  /** A view of the file. */
  readonly data: Uint8Array;
}

const UNSIGNED_BYTES = 0x08; // the element type of every MNIST file, third byte of the magic number
/** Images in colour have four; no file needs more. */
const MAX_AXES = 4;

/**
 * Parses an IDX file of unsigned bytes, not gzipped. `data` is a view.
 *
 * @throws {FormatError} naming the file, what it holds and what was expected; with `axes`, also for another number of
 * axes.
 *
 * @example
 * const { shape, data } = parseIdx(bytes, "train-images-idx3-ubyte", 3);
 */
export function parseIdx(bytes: Uint8Array, name: string, axes?: number): IdxArray {
  if (bytes.length < 4)
    throw new FormatError(`${name} holds ${bytes.length} bytes, expected an IDX header of 4 or more`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = view.getUint32(0);
  const found = magic - UNSIGNED_BYTES * 256;
  if (axes !== undefined && found !== axes) {
    const expected = UNSIGNED_BYTES * 256 + axes;
    throw new FormatError(`${name} magic number ${magic}, expected ${expected} (IDX of unsigned bytes, ${axes} axes)`);
  }
  if (!(found >= 1 && found <= MAX_AXES))
    throw new FormatError(`${name} magic number ${magic}, expected 2049 to 2052 (IDX of unsigned bytes, 1 to 4 axes)`);
  const header = 4 + 4 * found;
  if (bytes.length < header)
    throw new FormatError(`${name} holds ${bytes.length} bytes, expected an IDX header of ${header}`);
  const shape = Array.from({ length: found }, (_, axis) => view.getUint32(4 + 4 * axis));
  const data = bytes.subarray(header);
  // Products of sizes near 2³² are rounded, but stay larger than any file.
  if (data.length !== elementCount(shape)) {
    throw new FormatError(
      `${name} holds ${data.length} bytes of data, expected ${shape.join("×")} = ${elementCount(shape)}`,
    );
  }
  return { shape, data };
}

/**
 * A data set from an IDX file of images (`[count, height, width]`, or with channels last) and one of labels, each
 * gzipped or not.
 *
 * @throws {FormatError} for files that are broken or do not go together.
 *
 * @example
 * const data = await readIdxImages({ name: "images", bytes }, { name: "labels", bytes: labelBytes });
 */
export async function readIdxImages(
  images: NamedBytes,
  labels: NamedBytes,
  options: Normalisation & { readonly name?: string | undefined; readonly classes?: number | undefined } = {},
): Promise<Dataset> {
  const bytes = await maybeGunzip(images.bytes, images.name);
  const isColour = bytes.length > 3 && bytes[3] === 4;
  const { shape, data: pixels } = parseIdx(bytes, images.name, isColour ? 4 : 3);
  const { data } = parseIdx(await maybeGunzip(labels.bytes, labels.name), labels.name, 1);
  const [count, height, width, channels = 1] = shape as [number, number, number, number?];
  if (data.length !== count)
    throw new FormatError(`${labels.name} holds ${data.length} labels, expected ${count} as ${images.name}`);
  if (count * height * width * channels === 0)
    throw new FormatError(`${images.name} holds images of ${shape.join("×")}, expected at least one pixel`);
  const name = options.name ?? images.name;
  return createDataset({ ...options, name, height, width, channels, pixels, labels: data });
}
