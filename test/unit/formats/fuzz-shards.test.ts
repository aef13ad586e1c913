import { suite } from "uvu";
import * as assert from "uvu/assert";
import { cutOrFlipped, damagesOf, type FuzzedFormat, randomFrom, tryFile } from "../../reference/fuzz-files.ts";
import { fuzzedIndex, fuzzedSafetensors, fuzzedShard } from "../../reference/fuzz-shards.ts";

const test = suite("fuzz-shards");

/** The share of `npm run stress -- formats-shards` that every run tries. */
const STRUCTURED = 1000;
const STEP = 5;

const cases: [string, FuzzedFormat][] = [
  ["indexes", fuzzedIndex],
  ["shards", fuzzedShard],
  ["safetensors files", fuzzedSafetensors],
];
for (const [what, format] of cases) {
  test(`damaged ${what} are read and written back as they are, or are a FormatError that names the file`, async () => {
    const counts = { read: 0, refused: 0 };
    for (const seed of format.seeds) {
      counts[await tryFile(format, seed)]++;
      for (let number = 0; number < damagesOf(seed); number += STEP)
        counts[await tryFile(format, cutOrFlipped(seed, number))]++;
    }
    assert.ok(counts.read > 0 && counts.refused > 0, "both happen");
    for (let number = 0; number < STRUCTURED; number++)
      counts[await tryFile(format, format.structured(randomFrom(number)))]++;
  });
}

test.run();
