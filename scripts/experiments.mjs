// npm run experiments -- NAME --data DIR: says what is missing before anything is bundled, then runs scripts/experiments/experiments.ts.
import { createRequire } from "node:module";
import { join } from "node:path";
import { root } from "./build.mjs";

const PACKAGES = ["@tensorflow/tfjs-core", "@tensorflow/tfjs-backend-wasm", "@observablehq/plot", "linkedom"];
const require = createRequire(import.meta.url);
const missing = PACKAGES.filter((name) => !require.resolve.paths(name).some((folder) => isThere(folder, name)));
if (missing.length > 0) {
  console.error(`experiments: ${missing.join(", ")} not installed, expected for training and charts: npm install`);
  process.exit(1);
}
process.argv.splice(2, 0, join(root, "scripts/experiments/experiments.ts"));
await import("./run.mjs");

function isThere(folder, name) {
  try {
    require.resolve(join(folder, name, "package.json"));
    return true;
  } catch {
    return false;
  }
}
