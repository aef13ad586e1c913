/** `npm run stress -- formats-pytorch [FILES]`: damaged files, see test/reference/fuzz-files.ts. */

import { fuzzedPytorch } from "../../test/reference/fuzz-pytorch.ts";
import { fuzz } from "../lib/fuzz.ts";

await fuzz("formats-pytorch", fuzzedPytorch, Number(process.argv[2] ?? 200_000));
