/** `npm run stress -- formats-onnx [FILES]`: damaged files, see test/reference/fuzz-files.ts. */

import { fuzzedOnnx } from "../../test/reference/fuzz-onnx.ts";
import { fuzz } from "../lib/fuzz.ts";

await fuzz("formats-onnx", fuzzedOnnx, Number(process.argv[2] ?? 200_000));
