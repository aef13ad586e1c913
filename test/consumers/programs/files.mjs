// Plain ESM and Bun: `rebasin/node` with paths, and the library with bytes.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { encodeSafetensors, rebasin } from "rebasin";
import { openModel } from "rebasin/node";

const [a, b] = process.argv.slice(2);
const fromBytes = await rebasin(readFileSync(a), readFileSync(b));
const fromPaths = await rebasin(await openModel(a), await openModel(b));
for (const { model } of [fromBytes, fromPaths]) {
  const file = await encodeSafetensors(model);
  console.log(createHash("sha256").update(file).digest("hex"));
  await model.close?.();
}
