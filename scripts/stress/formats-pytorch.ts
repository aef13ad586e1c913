/** `npm run stress -- formats-pytorch [COUNT [FILE ...]]`: damaged files, of small real files too; see test/reference/fuzz-files.ts. */

import { readFileSync } from "node:fs";
import { fuzzedPytorch } from "../../test/reference/fuzz-pytorch.ts";
import { fuzz } from "../lib/fuzz.ts";

const [count = "200000", ...files] = process.argv.slice(2);
const seeds = [...fuzzedPytorch.seeds, ...files.map((file) => new Uint8Array(readFileSync(file)))];
await fuzz("formats-pytorch", { ...fuzzedPytorch, seeds }, Number(count));
