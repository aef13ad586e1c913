import { suite } from "uvu";
import * as assert from "uvu/assert";
import { cutOrFlipped, damagesOf, type FuzzedFormat, randomFrom, tryFile } from "../../reference/fuzz-files.ts";
import { fuzzedFlax } from "../../reference/fuzz-flax.ts";
import { fuzzedHdf5, fuzzedKeras } from "../../reference/fuzz-keras.ts";
import { fuzzedNpz } from "../../reference/fuzz-npz.ts";
import { fuzzedOnnx } from "../../reference/fuzz-onnx.ts";
import { fuzzedPytorch } from "../../reference/fuzz-pytorch.ts";
import { fuzzedTfjs } from "../../reference/fuzz-tfjs.ts";

const test = suite("damaged files");

/** A seeded share of what `npm run stress -- formats-…` runs. */
const SHARE = 600;

for (const format of [
  fuzzedPytorch,
  fuzzedNpz,
  fuzzedOnnx,
  fuzzedTfjs,
  fuzzedFlax,
  fuzzedHdf5,
  fuzzedKeras,
] as readonly FuzzedFormat[]) {
  test(`${format.file}: sound files are read, and handed back byte for byte`, async () => {
    for (const seed of format.seeds) assert.is(await tryFile(format, seed), "read");
  });

  test(`${format.file}: cut, flipped and edited files are read or refused in one line that names them`, async () => {
    const counts = { read: 0, refused: 0 };
    for (let number = 0; number < SHARE; number++) {
      const random = randomFrom(number);
      const seed = format.seeds[number % format.seeds.length]!;
      counts[await tryFile(format, cutOrFlipped(seed, random(damagesOf(seed))))]++;
      counts[await tryFile(format, format.structured(random))]++;
    }
    assert.ok(counts.read > 0 && counts.refused > SHARE / 2, JSON.stringify(counts));
  });
}

test.run();
