// Checks what users load against the size budget, and which modules are in the core entry against the list of them:
// `node scripts/check-size.mjs [--json] [--write]`, after a build. `--write` makes the list anew.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");
/** One module a line. Who adds one to the core sees it here, and so does who reads the change. */
const LIST = join(root, "test/package/core-entry.txt");

const gzipped = (bytes) => gzipSync(bytes, { level: 9 }).length;
const named = (paths) => paths.map((path) => ({ name: relative(root, path), size: gzipped(readFileSync(path)) }));

/** Gzipped bytes: one wasm build, the core entry with both embedded and all it imports at once, a whole edge worker. */
const BUDGET = [
  { name: "SIMD wasm", files: () => named([join(dist, "rebasin.simd.wasm")]), limit: 40_000 },
  { name: "scalar wasm", files: () => named([join(dist, "rebasin.scalar.wasm")]), limit: 40_000 },
  { name: "core entry", files: () => named(reached(join(dist, "index.js"))), limit: 60_000 },
  { name: "examples/worker", files: () => bundleWorker("index"), limit: 65_500 },
  { name: "examples/worker with PyTorch", files: () => bundleWorker("with-pytorch"), limit: 88_500 },
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

/**
 * The worker as wrangler bundles it for a deployment, which is by esbuild: what is imported on demand comes into the one
 * file, .wasm files lie beside it. wrangler 4.86 gave 75 bytes less than this.
 */
async function bundleWorker(entry) {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [`examples/worker/src/${entry}.ts`],
    bundle: true,
    format: "esm",
    target: "es2024",
    minify: true,
    conditions: ["workerd", "worker", "browser"],
    loader: { ".wasm": "copy" },
    alias: { "rebasin/formats": join(dist, "formats.workerd.js"), rebasin: join(dist, "index.workerd.js") },
    outdir: "build/worker",
    write: false,
    // That imports for the sake of chunks are dropped.
    logLevel: "error",
  });
  return outputFiles.map(({ path, contents }) => ({ name: relative(root, path), size: gzipped(contents) }));
}

/** Files of the project, and packages, of which the core entry of `folder` (a dist/) has code; sorted. */
export function coreModules(folder) {
  const found = new Set();
  for (const file of reached(join(folder, "index.js"))) {
    for (const source of JSON.parse(readFileSync(`${file}.map`, "utf8")).sources)
      found.add(source.replace(/^(?:\.\.\/)+/, ""));
  }
  return [...found].sort();
}

/** What the list and the core entry do not have in common. */
function listFaults() {
  const [now, listed] = [coreModules(dist), readFileSync(LIST, "utf8").split("\n").filter(Boolean)];
  const advice = "expected the modules of test/package/core-entry.txt (node scripts/check-size.mjs --write)";
  return [
    ...now.filter((name) => !listed.includes(name)).map((name) => `${name} is in the core entry, ${advice}`),
    ...listed.filter((name) => !now.includes(name)).map((name) => `${name} is not in the core entry, ${advice}`),
  ];
}

async function main(words) {
  const needed = ["index.js", "index.workerd.js", "rebasin.simd.wasm", "rebasin.scalar.wasm"];
  const missing = [dist, ...needed.map((file) => join(dist, file))].find((path) => !existsSync(path));
  if (missing !== undefined) throw new Error(`${relative(root, missing)} is missing, expected a build (npm run build)`);
  if (words.includes("--write")) writeFileSync(LIST, `${coreModules(dist).join("\n")}\n`);
  const sizes = [];
  for (const { name, files, limit } of BUDGET) {
    const found = await files();
    sizes.push({ name, gzipped: found.reduce((sum, { size }) => sum + size, 0), limit, files: found });
  }
  if (words.includes("--json")) console.log(JSON.stringify(sizes));
  else
    for (const { name, gzipped, limit, files } of sizes)
      console.log(`${name}  ${gzipped} bytes gzipped in ${files.length} files, at most ${limit}`);
  const over = sizes.filter(({ gzipped, limit }) => gzipped > limit);
  const faults = [
    ...over.map(({ name, gzipped, limit }) => `${name} is ${gzipped} bytes gzipped, expected at most ${limit}`),
    ...listFaults(),
  ];
  for (const fault of faults) console.error(fault);
  process.exitCode = faults.length > 0 ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await main(process.argv.slice(2)).catch(({ message }) => {
    console.error(message);
    process.exitCode = 1;
  });
