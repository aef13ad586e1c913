/** `npm run stress -- formats-hdf5 [FILES]`: damaged files, see test/reference/fuzz-files.ts. */

import { fuzzedHdf5 } from "../../test/reference/fuzz-keras.ts";
import { fuzz } from "../lib/fuzz.ts";

await fuzz("formats-hdf5", fuzzedHdf5, Number(process.argv[2] ?? 200_000));
