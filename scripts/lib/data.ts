/** Labelled images from IDX files, the format of MNIST and Fashion-MNIST (http://yann.lecun.com/exdb/mnist/), gzipped or plain. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { FormatError } from "../../src/errors.ts";

/** Where to get the data when it is missing. */
export const FASHION_MNIST = "https://github.com/zalandoresearch/fashion-mnist";

/** Grey images: `pixels[(i·height + y)·width + x]` is image i at (y, x), from 0 to 1. */
export interface Images {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly pixels: Float32Array;
}

/** Images and, for each, its class. */
export interface Labelled {
  readonly images: Images;
  readonly labels: Uint8Array;
}

const UNSIGNED_BYTES = 0x08; // the element type of every MNIST file, third byte of the magic number

/** The bytes of a file, gunzipped when they start like gzip. Throws `FormatError` when it is missing or broken. */
function readMaybeGzipped(path: string): Buffer {
  if (!existsSync(path))
    throw new FormatError(`${path} not found, expected an IDX file of Fashion-MNIST (get it from ${FASHION_MNIST})`);
  const bytes = readFileSync(path);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes);
  } catch (error) {
    throw new FormatError(`${path} does not gunzip (${(error as Error).message}), expected a whole gzip file`);
  }
}

/** Parses an IDX file of unsigned bytes with `axes` axes. `data` is a view. */
function readIdx(path: string, axes: number): { sizes: number[]; data: Uint8Array } {
  const bytes = readMaybeGzipped(path);
  const header = 4 + 4 * axes;
  if (bytes.length < header)
    throw new FormatError(`${path} holds ${bytes.length} bytes, expected an IDX header of ${header}`);
  const magic = bytes.readUInt32BE(0);
  const expected = UNSIGNED_BYTES * 256 + axes;
  if (magic !== expected)
    throw new FormatError(`${path} magic number ${magic}, expected ${expected} (unsigned bytes, ${axes} axes)`);
  const sizes = Array.from({ length: axes }, (_, axis) => bytes.readUInt32BE(4 + 4 * axis));
  const length = sizes.reduce((product, size) => product * size, 1);
  const data = bytes.subarray(header);
  if (data.length !== length)
    throw new FormatError(`${path} holds ${data.length} bytes of data, expected ${sizes.join("×")} = ${length}`);
  return { sizes, data };
}

/**
 * Reads the first `limit` images (all by default) as `byte / 255`. Returns copies.
 * Throws `FormatError` when the file is missing, broken or of another kind.
 */
export function readImages(path: string, limit: number = Number.POSITIVE_INFINITY): Images {
  const { sizes, data } = readIdx(path, 3);
  const [available, height, width] = sizes as [number, number, number];
  const count = Math.min(available, limit);
  const pixels = new Float32Array(count * height * width);
  for (let i = 0; i < pixels.length; i++) pixels[i] = data[i]! / 255;
  return { count, height, width, pixels };
}

/** Reads the first `limit` labels (all by default). Returns a copy. Throws `FormatError` as `readImages` does. */
export function readLabels(path: string, limit: number = Number.POSITIVE_INFINITY): Uint8Array {
  const { data } = readIdx(path, 1);
  return data.slice(0, Math.min(data.length, limit));
}

/** Reads images and labels from two files. Throws `FormatError` when their counts differ, and as `readImages` does. */
export function readLabelled(imagesPath: string, labelsPath: string, limit?: number): Labelled {
  const images = readImages(imagesPath, limit);
  const labels = readLabels(labelsPath, limit);
  if (labels.length !== images.count)
    throw new FormatError(`${labelsPath} holds ${labels.length} labels, expected ${images.count} as ${imagesPath}`);
  return { images, labels };
}

/**
 * Reads the test set from a folder that holds `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`, each with or
 * without `.gz`. Throws `FormatError` naming the file that is missing, and as `readLabelled` does.
 *
 * @example
 * const { images, labels } = readTestSet("data", 1000);
 */
export function readTestSet(folder: string, limit?: number): Labelled {
  const find = (name: string): string => {
    const plain = join(folder, name);
    return existsSync(plain) ? plain : `${plain}.gz`;
  };
  return readLabelled(find("t10k-images-idx3-ubyte"), find("t10k-labels-idx1-ubyte"), limit);
}

/**
 * Means of 2×2 squares: images of half the height and width. Returns a copy.
 * Throws `RangeError` when a side is odd.
 */
export function averagePool2x2(images: Images): Images {
  const { count, width } = images;
  const [height, half] = [images.height / 2, width / 2];
  if (!Number.isInteger(height) || !Number.isInteger(half))
    throw new RangeError(`images are ${images.height}×${width}, expected even sides`);
  const pixels = new Float32Array(count * height * half);
  for (let row = 0; row < count * height; row++) {
    for (let x = 0; x < half; x++) {
      const corner = 2 * row * width + 2 * x;
      const [a, b, c, d] = [corner, corner + 1, corner + width, corner + width + 1].map((i) => images.pixels[i]!) as [
        number,
        number,
        number,
        number,
      ];
      pixels[row * half + x] = (a + b + c + d) / 4;
    }
  }
  return { count, height, width: half, pixels };
}
