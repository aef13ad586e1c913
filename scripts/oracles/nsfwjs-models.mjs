// The models that nsfwjs ships as JavaScript, as files of TensorFlow.js beside them: node scripts/oracles/nsfwjs-models.mjs FOLDER/package
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const folder = resolve(process.argv[2], "dist/models");
const require = createRequire(join(folder, "x.cjs"));
const value = (name) => require(name).default ?? require(name);
for (const { name } of readdirSync(folder, { withFileTypes: true }).filter((each) => each.isDirectory())) {
  const own = join(folder, name);
  const scripts = readdirSync(own, { withFileTypes: true }).filter((each) => each.name.endsWith(".min.js"));
  if (scripts.length === 0) continue;
  const out = join(own, "model");
  mkdirSync(out, { recursive: true });
  for (const { name: file } of scripts) {
    const short = file.replace(".min.js", "");
    const content = value(join(own, file));
    if (short === "model") writeFileSync(join(out, "model.json"), JSON.stringify(content));
    else writeFileSync(join(out, short), Buffer.from(content, "base64"));
  }
}
