/** Damaged files: what a reader may do with them, and ways to damage them. Seeded: an input is its number. */

import { FormatError } from "../../src/base/errors.ts";
import type { Model } from "../../src/base/model.ts";
import type { FormatModule } from "../../src/formats/format.ts";
import { bytesSource } from "../../src/io/byte-source.ts";
import { memorySink } from "../../src/io/sink.ts";

/** A random whole number below `limit`. */
export type Random = (limit: number) => number;

/** Marsaglia's xorshift: good enough to choose bytes. */
export function randomFrom(seed: number): Random {
  let state = (seed * 2654435761 + 1) >>> 0 || 1;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

export interface FuzzedFormat {
  /** Name of the files, by whose ending the reader is chosen. */
  readonly file: string;
  readonly module: FormatModule;
  readonly seeds: readonly Uint8Array[];
  /** A file that is damaged where its structure is, its checksums mostly right. */
  structured(random: Random): Uint8Array;
}

export type Outcome = "read" | "refused";

/**
 * Opens a file, reads every tensor and the graph, and writes it back unchanged. Throws when anything happens that must not: another error
 * than a `FormatError` of one line that names the file, tensors of another size than they say, a copy that differs.
 */
export async function tryFile({ file, module }: FuzzedFormat, bytes: Uint8Array): Promise<Outcome> {
  let model: Model;
  try {
    model = await module.open(bytesSource(bytes, file), undefined, {});
    for (const name of model.tensors.keys()) await model.read(name);
  } catch (error) {
    judge(error, file);
    return "refused";
  }
  try {
    await module.readGraph?.(model.origin!, {});
  } catch (error) {
    judge(error, file);
  }
  const sink = memorySink();
  try {
    await module.write!(model, sink, { like: model.origin });
  } catch (error) {
    if (error instanceof RangeError && /only read/.test(error.message)) return "read";
    judge(error, file);
    return "read";
  }
  const copy = sink.bytes();
  if (copy.length !== bytes.length || copy.some((byte, i) => byte !== bytes[i])) throw new Error("the copy differs");
  return "read";
}

function judge(error: unknown, file: string): void {
  const isSound =
    error instanceof FormatError &&
    error.message.startsWith(file) &&
    error.message.length < 1000 &&
    !/[\n\r\p{Cc}]/u.test(error.message);
  if (!isSound) throw error;
}

/** How many files `cutOrFlipped` makes of a seed: it is cut at every byte, and each of its bits is flipped. */
export const damagesOf = (seed: Uint8Array): number => 9 * seed.length;

/** The seed cut after `number` bytes, or with one bit flipped. */
export function cutOrFlipped(seed: Uint8Array, number: number): Uint8Array {
  if (number < seed.length) return seed.slice(0, number);
  const bit = number - seed.length;
  const bytes = seed.slice();
  bytes[bit >> 3]! ^= 1 << (bit & 7);
  return bytes;
}

const EXTREMES: readonly (readonly number[])[] = [
  [0],
  [255],
  [127],
  [0, 0],
  [255, 255],
  [0, 0, 0, 0],
  [255, 255, 255, 255],
  [255, 255, 255, 127],
  [0, 0, 0, 128],
  [0, 0, 0, 0, 0, 0, 0, 0],
  [255, 255, 255, 255, 255, 255, 255, 255],
  [255, 255, 255, 255, 255, 255, 31, 0],
  [0, 0, 0, 0, 1, 0, 0, 0],
];

/** Some bytes changed: extremes put over or in, parts taken out, doubled or moved. */
export function edited(bytes: Uint8Array, random: Random): Uint8Array {
  let now = Array.from(bytes);
  for (let edits = 1 + random(3); edits > 0; edits--) {
    const at = random(now.length + 1);
    const length = 1 + random(random(4) === 0 ? 64 : 8);
    const extreme = EXTREMES[random(EXTREMES.length)]!;
    const part = now.slice(at, at + length);
    const other = random(now.length + 1);
    switch (random(6)) {
      case 0:
        now.splice(at, extreme.length, ...extreme);
        break;
      case 1:
        now.splice(at, 0, ...extreme);
        break;
      case 2:
        now.splice(at, length);
        break;
      case 3:
        now.splice(at, 0, ...part);
        break;
      case 4:
        now.splice(other, part.length, ...part);
        break;
      default:
        now.splice(at, 1, random(256));
    }
    now = now.slice(0, 1 << 16);
  }
  return Uint8Array.from(now);
}
