// For the oracles in Python: what this library reads from files, as one line of JSON a file.
// node scripts/run.mjs scripts/oracles/list-tensors.ts FILE[#KEY] …
import { createHash } from "node:crypto";
import { openModelFile } from "../../src/node/open-model.ts";

for (const word of process.argv.slice(2)) {
  const [path, key] = word.split("#") as [string, string?];
  try {
    const model = await openModelFile(path, { key });
    const tensors: [string, string, readonly number[], string][] = [];
    for (const [name, { dtype, shape }] of model.tensors) {
      const bytes = await model.read(name);
      tensors.push([name, dtype, shape, createHash("sha256").update(bytes).digest("hex")]);
    }
    await model.close?.();
    console.log(JSON.stringify({ path, details: model.origin?.details, tensors }));
  } catch (error) {
    console.log(JSON.stringify({ path, error: `${(error as Error).name}: ${(error as Error).message}` }));
  }
}
