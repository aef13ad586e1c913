/** `npm run stress -- formats-npz [COUNT [FILE ...]]`: damaged files, of small real files too; see test/reference/fuzz-files.ts. */

import { readFileSync } from "node:fs";
import { fuzzedNpz } from "../../test/reference/fuzz-npz.ts";
import { fuzz } from "../lib/fuzz.ts";

const [count = "200000", ...files] = process.argv.slice(2);
const seeds = [...fuzzedNpz.seeds, ...files.map((file) => new Uint8Array(readFileSync(file)))];
await fuzz("formats-npz", { ...fuzzedNpz, seeds }, Number(count));
