// Builds dist/: wasm (every build of assembly/), bundles of the entry points, type declarations, the browser app.
// `node scripts/build.mjs wasm` builds only build/*.wasm, which is all the unit suites need.
import { execFile, execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);

const WASM_BUILDS = ["simd", "scalar", "simd-threads", "scalar-threads", "relaxed", "relaxed-threads"];

/** Compiles assembly/ into build/rebasin.*.wasm, one for each target of asconfig.json. */
export async function buildWasm() {
  mkdirSync(join(root, "build"), { recursive: true });
  const asc = join(dirname(require.resolve("assemblyscript/package.json")), "bin", "asc.js");
  const compile = async (target) => {
    const words = [asc, "--config", "asconfig.json", "--target", target];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, words, { cwd: root });
    process.stderr.write(stdout + stderr);
  };
  await Promise.all(WASM_BUILDS.map(compile));
  writeModulesForJsr();
}

/** JSR takes src/ as it is, unbundled: these modules hold what the bundler puts in, and the map in jsr.json puts them in place. */
function writeModulesForJsr() {
  const write = (file, text) => writeFileSync(join(root, "build", file), text);
  for (const target of WASM_BUILDS) {
    const base64 = readFileSync(join(root, `build/rebasin.${target}.wasm`)).toString("base64");
    write(`rebasin.${target}.base64.ts`, `const base64: string = "${base64}";\nexport default base64;\n`);
  }
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  write("version.ts", `export const VERSION: string = ${JSON.stringify(version)};\n`);
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
  for (const target of WASM_BUILDS)
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
