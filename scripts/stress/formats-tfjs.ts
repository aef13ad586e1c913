/** `npm run stress -- formats-tfjs [FILES]`: damaged files, see test/reference/fuzz-files.ts. */

import { fuzzedTfjs } from "../../test/reference/fuzz-tfjs.ts";
import { fuzz } from "../lib/fuzz.ts";

await fuzz("formats-tfjs", fuzzedTfjs, Number(process.argv[2] ?? 200_000));
