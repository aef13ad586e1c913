/** Models of TensorFlow.js to damage: one file holds the JSON, then a zero byte, then the weights. */

import { FormatError } from "../../src/base/errors.ts";
import type { FormatModule } from "../../src/formats/format.ts";
import * as tfjs from "../../src/formats/tfjs/tfjs-format.ts";
import { bytesSource } from "../../src/io/byte-source.ts";
import { type ByteSink, memorySink } from "../../src/io/sink.ts";
import { edited, type FuzzedFormat, type Random } from "./fuzz-files.ts";
import { memoryFiles } from "./memory-files.ts";
import { concat, utf8 } from "./safetensors-builder.ts";
import { smallTfjs, tfjsFiles, weight } from "./tfjs-builder.ts";

const DATA = "group1-shard1of1.bin";

/** The files in one: what the damages are made to. */
const packed = ({ "model.json": json, ...files }: Readonly<Record<string, Uint8Array>>): Uint8Array =>
  concat(json!, Uint8Array.of(0), ...Object.values(files));

/** Of the file that was opened last. */
let data: Uint8Array = new Uint8Array(0);

/** The format on such files: cut at the first zero byte, which no JSON has. */
const module: FormatModule = {
  async open(source, _, options) {
    const bytes = await source.slice(0, source.byteLength);
    const end = bytes.indexOf(0);
    if (end < 0) throw new FormatError(`${source.name} has no weights`);
    data = bytes.slice(end + 1);
    return tfjs.open(
      bytesSource(bytes.slice(0, end), source.name),
      memoryFiles({ [DATA]: data }, source.name),
      options,
    );
  },
  async write(model, sink, options) {
    const [json, weights] = [memorySink(), memorySink()];
    let isMade = false;
    const create = async (): Promise<ByteSink> => {
      isMade = true;
      return weights;
    };
    const notes = await tfjs.write!(model, json, { ...options, create });
    // A manifest may name no file.
    await sink.write(concat(json.bytes(), Uint8Array.of(0), isMade ? weights.bytes() : data));
    await sink.close();
    return notes;
  },
};

const parts = smallTfjs();
const whole = concat(
  ...Object.entries(parts)
    .filter(([path]) => path !== "model.json")
    .map(([, bytes]) => bytes),
);
const one = new TextDecoder().decode(parts["model.json"]!).replace(/"paths": \[[^\]]*\]/, `"paths": ["${DATA}"]`);
const seeds: readonly Uint8Array[] = [
  packed({ "model.json": utf8(one), [DATA]: whole }),
  packed(tfjsFiles([weight("w", "float32", [2], Uint8Array.of(1, 2), { dtype: "uint8", scale: 0.1, min: -1 })])),
];

/** Words of JSON put where others were, so that much of it is still JSON. */
const WORDS = [
  '"uint8"',
  '"float32"',
  '"string"',
  '"bool"',
  "0",
  "-1",
  "1e999",
  "1e308",
  "[]",
  "{}",
  "null",
  "4294967296",
  '"__proto__"',
  '"scale"',
  '"w"',
];

function structured(random: Random): Uint8Array {
  const seed = seeds[random(seeds.length)]!;
  const end = seed.indexOf(0);
  let text = new TextDecoder().decode(seed.slice(0, end));
  for (let edits = 1 + random(3); edits > 0; edits--) {
    const values = [...text.matchAll(/"[^"]*"|-?\d[\d.e+-]*|null/g)];
    const at = values[random(values.length)]!;
    text = text.slice(0, at.index) + WORDS[random(WORDS.length)]! + text.slice(at.index + at[0].length);
  }
  const weights = seed.slice(end + 1);
  return concat(utf8(text), Uint8Array.of(0), random(3) === 0 ? edited(weights, random) : weights);
}

export const fuzzedTfjs: FuzzedFormat = { file: "fuzz.json", module, seeds, structured };
