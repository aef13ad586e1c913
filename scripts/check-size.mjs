// Checks what users load against the size budget: `node scripts/check-size.mjs [--json]`, after a build.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import { root } from "./build.mjs";

const dist = join(root, "dist");

/** Gzipped bytes, in thousands: one wasm build, and the core entry with both embedded and all it imports at once. */
const BUDGET = [
  { name: "SIMD wasm", files: () => [join(dist, "rebasin.simd.wasm")], limit: 40_000 },
  { name: "scalar wasm", files: () => [join(dist, "rebasin.scalar.wasm")], limit: 40_000 },
  { name: "core entry", files: () => reached(join(dist, "index.js")), limit: 60_000 },
];

/** An entry and every chunk it imports, and they import; not what is imported on demand, by `import()`. */
function reached(entry) {
  const files = new Set([entry]);
  for (const file of files) {
    const text = readFileSync(file, "utf8");
    for (const [, from, bare] of text.matchAll(/(?:^|[;}\s])(?:from\s*"(\.[^"]+)"|import\s*"(\.[^"]+)")/g))
      files.add(join(dirname(file), from ?? bare));
  }
  return [...files];
}

const missing = [
  dist,
  ...["index.js", "rebasin.simd.wasm", "rebasin.scalar.wasm"].map((file) => join(dist, file)),
].find((path) => !existsSync(path));
if (missing !== undefined) {
  console.error(`${relative(root, missing)} is missing, expected a build (npm run build)`);
  process.exit(1);
}
const sizes = BUDGET.map(({ name, files, limit }) => {
  const paths = files();
  const gzipped = paths.reduce((sum, path) => sum + gzipSync(readFileSync(path), { level: 9 }).length, 0);
  return { name, gzipped, limit, files: paths.map((path) => relative(root, path)) };
});
if (process.argv.includes("--json")) console.log(JSON.stringify(sizes));
else
  for (const { name, gzipped, limit, files } of sizes)
    console.log(`${name}  ${gzipped} bytes gzipped in ${files.length} files, at most ${limit}`);
const over = sizes.filter(({ gzipped, limit }) => gzipped > limit);
for (const { name, gzipped, limit } of over)
  console.error(`${name} is ${gzipped} bytes gzipped, expected at most ${limit}`);
process.exitCode = over.length > 0 ? 1 : 0;
