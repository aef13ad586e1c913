// Builds dist/: wasm (every build of assembly/), bundles of the entry points, type declarations, the browser app.
// `node scripts/build.mjs wasm` builds only build/*.wasm, which is all the unit suites need.
import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);

/** Builds of assembly/index.ts, and of assembly/extra/index.ts: what matching does not need, loaded on demand. */
const CORE_BUILDS = ["simd", "scalar", "simd-threads", "scalar-threads", "relaxed", "relaxed-threads"];
const EXTRA_BUILDS = ["extra.simd", "extra.scalar"];
const WASM_BUILDS = [...CORE_BUILDS, ...EXTRA_BUILDS];

/** Compiles assembly/ into build/rebasin.*.wasm, one for each target of asconfig.json and asconfig.extra.json; nothing where they are up to date. */
export async function buildWasm() {
  mkdirSync(join(root, "build"), { recursive: true });
  const made = join(root, "build/wasm-sources.sha256");
  const sources = digestOfWasmSources();
  const isThere = (target) => existsSync(join(root, `build/rebasin.${target}.wasm`));
  if (existsSync(made) && readFileSync(made, "utf8") === sources && WASM_BUILDS.every(isThere))
    return writeModulesForJsr();
  rmSync(made, { force: true });
  const asc = join(dirname(require.resolve("assemblyscript/package.json")), "bin", "asc.js");
  const compile = async (target) => {
    const config = EXTRA_BUILDS.includes(target) ? "asconfig.extra.json" : "asconfig.json";
    const words = [asc, "--config", config, "--target", target];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, words, { cwd: root });
    process.stderr.write(stdout + stderr);
  };
  await Promise.all(WASM_BUILDS.map(compile));
  writeModulesForJsr();
  writeFileSync(made, sources);
}

/** SHA-256 of all that the wasm builds come from: sources, settings, this file and the compiler's version. */
function digestOfWasmSources() {
  const hash = createHash("sha256").update(require("assemblyscript/package.json").version);
  const sources = readdirSync(join(root, "assembly"), { recursive: true }).filter((file) => file.endsWith(".ts"));
  const files = [
    "scripts/build.mjs",
    "asconfig.json",
    "asconfig.extra.json",
    ...sources.sort().map((file) => `assembly/${file}`),
  ];
  for (const file of files) hash.update(`\n${file}\n`).update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

/** JSR takes src/ as it is, unbundled: these modules hold what the bundler puts in, and the map in jsr.json puts them in place. */
function writeModulesForJsr() {
  const write = (file, text) => writeFileSync(join(root, "build", file), text);
  for (const target of WASM_BUILDS) {
    const hex = readFileSync(join(root, `build/rebasin.${target}.wasm`), "hex");
    write(`rebasin.${target}.hex.ts`, `const hex: string = "${hex}";\nexport default hex;\n`);
  }
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  write(
    "version.ts",
    `/** Version of the package, such as "0.1.0". */\nexport const VERSION: string = ${JSON.stringify(version)};\n`,
  );
}

/** Bundles the entry points into dist/, and writes their declarations to dist/types/. */
async function buildPackage() {
  // Not at the top: scripts that import this file for its `root` or the wasm need no bundler.
  const { bundlePackage } = await import("./bundle.mjs");
  const { compileEarly } = await import("./compile-early.mjs");
  const { thirdPartyNotices } = await import("./third-party.mjs");
  const { buildApp } = await import("./build-app.mjs");
  rmSync(join(root, "dist"), { recursive: true, force: true });
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const metafiles = await bundlePackage(version);
  for (const entry of ["index", "index.workerd"]) await compileEarly(join(root, `dist/${entry}.js`));
  for (const target of CORE_BUILDS)
    copyFileSync(join(root, `build/rebasin.${target}.wasm`), join(root, `dist/rebasin.${target}.wasm`));
  writeFileSync(join(root, "dist/third-party.txt"), thirdPartyNotices(metafiles));
  const tsc = join(dirname(require.resolve("typescript/package.json")), "bin", "tsc");
  execFileSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" });
  await buildApp();
}

function report() {
  for (const file of ["dist/rebasin.simd.wasm", "dist/rebasin.scalar.wasm", "dist/index.js", "dist/cli.js"]) {
    if (!existsSync(join(root, file))) continue;
    const gzipped = gzipSync(readFileSync(join(root, file))).length;
    console.log(`${file}  ${statSync(join(root, file)).size} bytes, ${gzipped} gzipped`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await buildWasm();
  if (process.argv[2] !== "wasm") {
    await buildPackage();
    report();
  }
}
