/** `npm run stress -- formats-flax [FILES]`: damaged files, see test/reference/fuzz-files.ts. */

import { fuzzedFlax } from "../../test/reference/fuzz-flax.ts";
import { fuzz } from "../lib/fuzz.ts";

await fuzz("formats-flax", fuzzedFlax, Number(process.argv[2] ?? 200_000));
