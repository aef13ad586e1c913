/** NumPy's files to damage. */

import * as module from "../../src/formats/npz/npz-format.ts";
import { npyFile, npyHeader } from "./data-files.ts";
import { edited, type FuzzedFormat, type Random } from "./fuzz-files.ts";
import { counting, utf8 } from "./safetensors-builder.ts";
import { type ZipPart, zipFile } from "./zip-builder.ts";

const HEADERS: readonly (readonly [string, number])[] = [
  [npyHeader("<f4", [2, 3]), 24],
  [npyHeader(">f8", [2, 2], "True"), 32],
  [npyHeader("|b1", []), 1],
  ["{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", 4],
];
const arrays: readonly Uint8Array[] = HEADERS.map(([header, bytes], i) =>
  npyFile(header, counting(bytes), 1 + (i % 3)),
);

const archive = (contents: readonly Uint8Array[], part: Partial<ZipPart> = {}, zip64 = false): Uint8Array =>
  zipFile(
    contents.map((content, i) => ({ name: `params/${i}.npy`, content, style: "numpy", flags: 0, ...part })),
    { zip64 },
  );

const seeds: readonly Uint8Array[] = [
  archive(arrays),
  archive(arrays.slice(0, 2), { deflate: true }),
  archive(arrays.slice(0, 2), { isLarge: true, style: "plain" }, true),
  arrays[1]!,
];

/** Headers damaged as text in sound archives; archives damaged anywhere. */
function structured(random: Random): Uint8Array {
  const [header, bytes] = HEADERS[random(HEADERS.length)]!;
  switch (random(3)) {
    case 0: {
      const text = new TextDecoder("latin1").decode(edited(utf8(header), random));
      return archive([npyFile(text, counting(bytes))], { deflate: random(2) === 0 });
    }
    case 1:
      return archive([edited(arrays[random(arrays.length)]!, random)], { deflate: random(2) === 0 });
    default:
      return edited(seeds[random(seeds.length)]!, random);
  }
}

export const fuzzedNpz: FuzzedFormat = { file: "fuzz.npz", module, seeds, structured };
