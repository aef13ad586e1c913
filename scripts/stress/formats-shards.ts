/** `npm run stress -- formats-shards [FILES]`: damaged indexes, shards and safetensors files, see test/reference/fuzz-shards.ts. */

import { fuzzedIndex, fuzzedSafetensors, fuzzedShard } from "../../test/reference/fuzz-shards.ts";
import { fuzz } from "../lib/fuzz.ts";

const least = Number(process.argv[2] ?? 200_000);
let isFine = true;
for (const [what, format] of [
  ["an index", fuzzedIndex],
  ["a shard", fuzzedShard],
  ["safetensors", fuzzedSafetensors],
] as const) {
  await fuzz(`formats-shards: ${what}`, format, least);
  isFine &&= process.exitCode === 0;
}
process.exitCode = isFine ? 0 : 1;
