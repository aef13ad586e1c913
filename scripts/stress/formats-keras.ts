/** `npm run stress -- formats-keras [FILES]`: damaged files, see test/reference/fuzz-files.ts. */

import { fuzzedKeras } from "../../test/reference/fuzz-keras.ts";
import { fuzz } from "../lib/fuzz.ts";

await fuzz("formats-keras", fuzzedKeras, Number(process.argv[2] ?? 200_000));
