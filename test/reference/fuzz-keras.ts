/** HDF5 files and Keras' archives to damage. */

import * as hdf5 from "../../src/formats/keras/hdf5-format.ts";
import * as keras from "../../src/formats/keras/keras-format.ts";
import { edited, type FuzzedFormat, type Random } from "./fuzz-files.ts";
import { type BuildOptions, type BuiltGroup, f32, hdf5File, I32, type Part, space, texts } from "./hdf5-builder.ts";
import { kerasFile, legacyWeights, weightsFile } from "./keras-builder.ts";
import { concat, u64 } from "./safetensors-builder.ts";
import { u32 } from "./zip-builder.ts";

/** Chunks [2, 1] of a dataset [3, 2]: a tree of one node behind the data. */
const chunked: BuiltGroup["members"][string] = {
  shape: [3, 2],
  type: I32,
  data: concat(
    new Uint8Array(32).map((_, i) => i),
    new TextEncoder().encode("TREE"),
    Uint8Array.of(1, 0, 4, 0),
    new Uint8Array(16).fill(255),
    ...[0, 1, 2, 3].map((i) => concat(u32(8), u32(0), u64(2 * Math.floor(i / 2)), u64(i % 2), u64(0), u64(96 + 8 * i))),
    new Uint8Array(32),
  ),
  // The data is the first that is put: right behind the superblock.
  layout: (place) => concat(Uint8Array.of(3, 2, 3), u64(place + 32), u32(2), u32(1), u32(4)),
};

const small = (options: BuildOptions): Uint8Array =>
  hdf5File(
    {
      attributes: { note: texts("a", "bc") },
      members: {
        g: { members: { w: f32([2], 1, 2), b: { ...f32([1], 3), space: space([1, 1], 2) } } },
        s: { soft: "/g/w" },
      },
    },
    options,
  );

const sound: readonly ((options: BuildOptions) => Uint8Array)[] = [
  small,
  (options) => hdf5File({ members: { c: chunked } }, { ...options, style: "old" }),
  (options) => hdf5File({ members: { model_weights: legacyWeights() } }, options),
  (options) => weightsFile(options),
];

/** Structures damaged before their checksums are made, so that what is behind the checksums is reached. */
function damaged(random: Random): Uint8Array {
  const parts: readonly Part[] = ["superblock", "header", "header", "header", "tree", "symbols", "names"];
  const wanted = parts[random(parts.length)]!;
  let left = random(6);
  const edit = (part: Part, bytes: Uint8Array): Uint8Array => {
    if (part !== wanted) return bytes;
    left--;
    if (left !== -1) return bytes;
    const now = edited(bytes, random);
    // Mostly as long as it was, so that what follows keeps its place.
    return random(4) === 0
      ? now
      : concat(now, bytes.subarray(Math.min(now.length, bytes.length))).subarray(0, bytes.length);
  };
  return sound[random(sound.length)]!({ style: random(2) === 0 ? "old" : "latest", edit });
}

const seeds: readonly Uint8Array[] = sound.flatMap((build) => [build({ style: "old" }), build({ style: "latest" })]);

export const fuzzedHdf5: FuzzedFormat = {
  file: "fuzz.h5",
  module: hdf5,
  seeds,
  structured: (random) => (random(4) === 0 ? edited(seeds[random(seeds.length)]!, random) : damaged(random)),
};

const archives: readonly Uint8Array[] = [
  kerasFile(small({ style: "old" })),
  kerasFile(small({ style: "latest" }), { deflate: true }),
  kerasFile(hdf5File({ members: { model_weights: legacyWeights() } }), { style: "torch" }),
];

export const fuzzedKeras: FuzzedFormat = {
  file: "fuzz.keras",
  module: keras,
  seeds: archives,
  structured: (random) =>
    random(3) === 0
      ? edited(archives[random(archives.length)]!, random)
      : kerasFile(damaged(random), { deflate: random(4) === 0 }),
};
