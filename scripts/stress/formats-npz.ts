/** `npm run stress -- formats-npz [FILES]`: damaged files, see test/reference/fuzz-files.ts. */

import { fuzzedNpz } from "../../test/reference/fuzz-npz.ts";
import { fuzz } from "../lib/fuzz.ts";

await fuzz("formats-npz", fuzzedNpz, Number(process.argv[2] ?? 200_000));
