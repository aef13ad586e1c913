/** Folders of shards to damage, by their index and by one of their shards; and lone safetensors files. */

import { writeFolder } from "../../src/formats/folder/write-folder.ts";
import type { FormatModule } from "../../src/formats/format.ts";
import { openModel } from "../../src/formats/open-model.ts";
import * as safetensors from "../../src/formats/safetensors/safetensors-format.ts";
import { edited, type FuzzedFormat, type Random } from "./fuzz-files.ts";
import { indexOf, memoryFiles, memoryFolder, shardOf } from "./memory-files.ts";
import { entry, safetensorsFile, smallFile, utf8 } from "./safetensors-builder.ts";

const INDEX = "fuzz.safetensors.index.json";
const shards = {
  "a.safetensors": shardOf({ "x.weight": [1, 2, 3], ["__proto__"]: [4] }),
  "b/c.safetensors": shardOf({ y: [5, 6] }),
};
const index = utf8(
  indexOf({ "x.weight": "a.safetensors", y: "b/c.safetensors" }).replace('{"x', '{"__proto__":"a.safetensors","x'),
);

/** Opens a folder in which the file at `path` has the bytes that are tried, and writes that file of it back. */
function folderWith(path: string): FormatModule {
  return {
    async open(source) {
      const bytes = await source.slice(0, source.byteLength);
      const files = memoryFiles({ ...shards, [INDEX]: index, [path]: bytes }, "fuzz");
      return openModel(files);
    },
    async write(model, sink) {
      const folder = memoryFolder();
      await writeFolder(model, folder);
      await sink.write(folder.files.get(path)!);
      await sink.close();
      return [];
    },
  };
}

/** Names, paths and values that an index should not have. */
const PIECES = [
  '"x.weight"',
  '"y"',
  '"__proto__"',
  '"a.safetensors"',
  '"b/c.safetensors"',
  '"../a.safetensors"',
  `"${INDEX}"`,
  '"weight_map"',
  '"metadata"',
  "{",
  "}",
  "[",
  ":",
  ",",
  "null",
  "1e999",
  '"\\ud800"',
  '"\\u0061.safetensors"',
];

/** The tokens of a text, some of them lost, doubled, or others. */
function shuffled(text: Uint8Array, random: Random): Uint8Array {
  const tokens = new TextDecoder().decode(text).match(/"(?:[^"\\]|\\.)*"|\d+|\s+|./gs) ?? [];
  for (let edits = 1 + random(3); edits > 0; edits--) {
    const piece = random(4) === 0 ? [] : [PIECES[random(PIECES.length)]!];
    tokens.splice(random(tokens.length + 1), random(3), ...piece);
  }
  return utf8(tokens.join(""));
}

/** An index, alone damaged. */
export const fuzzedIndex: FuzzedFormat = {
  file: "fuzz",
  module: folderWith(INDEX),
  seeds: [index],
  structured: (random) => (random(4) === 0 ? edited(index, random) : shuffled(index, random)),
};

/** One shard, damaged. */
export const fuzzedShard: FuzzedFormat = {
  file: "fuzz",
  module: folderWith("a.safetensors"),
  seeds: [shards["a.safetensors"]],
  structured: (random) => edited(shards["a.safetensors"], random),
};

const header = utf8(
  `{"__metadata__":{"k":"v"},${entry("a", "U8", "[2,3]", "[0,6]")},${entry("b", "F32", "[]", "[6,10]")},${entry("c", "BF16", "[0]", "[10,10]")}}`,
);

/** A file of safetensors. */
export const fuzzedSafetensors: FuzzedFormat = {
  file: "fuzz.safetensors",
  module: safetensors,
  seeds: [smallFile(), safetensorsFile(header, 10)],
  structured: (random) =>
    random(3) === 0
      ? edited(smallFile(), random)
      : safetensorsFile(random(2) === 0 ? edited(header, random) : shuffled(header, random), 10),
};
