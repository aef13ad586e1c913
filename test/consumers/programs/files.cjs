// CommonJS: the package is ESM without top-level await, so that `require` loads it.
const { createHash } = require("node:crypto");
const { readFileSync } = require("node:fs");
const { encodeSafetensors, rebasin } = require("rebasin");
const { openModel } = require("rebasin/node");

(async () => {
  const [a, b] = process.argv.slice(2);
  const fromBytes = await rebasin(readFileSync(a), readFileSync(b));
  const fromPaths = await rebasin(await openModel(a), await openModel(b));
  for (const { model } of [fromBytes, fromPaths]) {
    const file = await encodeSafetensors(model);
    console.log(createHash("sha256").update(file).digest("hex"));
    await model.close?.();
  }
})();
