// Builds dist/: wasm (every build of assembly/), bundles of the entry points, type declarations, the browser app.
// `node scripts/build.mjs wasm` builds only build/*.wasm, which is all the unit suites need.
import { execFile, execFileSync } from "node:child_process";
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
import { dirname, join, resolve } from "node:path";
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

/**
 * Edge workers may not compile while they answer a request: for them the .wasm files are modules, which the host compiles.
 * They have no threads either.
 */
export const FOR_WORKERD = {
  loader: { ".wasm": "copy" },
  assetNames: "[name]",
  plugins: [
    {
      name: "no threads, no relaxed SIMD",
      setup({ onResolve, onLoad }) {
        onResolve({ filter: /(-threads|relaxed)\.wasm$/ }, ({ path }) => ({ path, namespace: "absent" }));
        onLoad({ filter: /.*/, namespace: "absent" }, () => ({ contents: "", loader: "text" }));
        // Bundlers put what is imported on demand into the worker's one file, which is read before every first request.
        onResolve({ filter: /kernels\/(threads|relaxed)\.ts$/ }, ({ path, kind }) =>
          kind === "dynamic-import" ? { path, namespace: "nothing" } : undefined,
        );
        const nothing = "export const createThreadedKernels = () => null, compileRelaxed = () => null;";
        onLoad({ filter: /.*/, namespace: "nothing" }, () => ({ contents: nothing }));
      },
    },
  ],
};

/** Maps lie beside the bundles, so that debuggers and `node --enable-source-maps` name functions and lines. */
const MINIFIED = { minify: true, sourcemap: "linked", sourcesContent: false };

/**
 * Keeps the core in one chunk. esbuild makes one for every combination of entries, and of files imported on demand, that
 * reach a module: the core would come in sixteen, each with a file to load and worse compressed. So whatever reaches part
 * of it is made to reach all of it, but for `rebasin/kernels`, which does with little: what it shares with the core is a
 * chunk of its own.
 */
const CORE = join(root, "src/index.ts");
const SMALL_ENTRY = join(root, "src/kernels.ts");
const oneCore = {
  name: "core in one chunk",
  setup({ initialOptions, onLoad, onResolve }) {
    const entries = initialOptions.entryPoints.map((entry) => join(root, entry.in ?? entry));
    const whole = new Set([...entries, ...onDemand()].filter((path) => path !== CORE && path !== SMALL_ENTRY));
    // Else imports for the sake of chunks are dropped.
    onResolve({ filter: /^\.{0,2}\/.*\.ts$/ }, ({ path, resolveDir }) => ({
      path: resolve(resolveDir, path),
      sideEffects: true,
    }));
    onLoad({ filter: /src[\\/].*\.ts$/ }, ({ path }) => {
      if (!whole.has(path)) return undefined;
      return { contents: `${readFileSync(path, "utf8")}\nimport "${CORE}";`, loader: "ts" };
    });
  },
};

/** Files of src/ that are imported on demand. */
function onDemand() {
  const found = [];
  for (const file of readdirSync(join(root, "src"), { recursive: true })) {
    if (!file.endsWith(".ts")) continue;
    const path = join(root, "src", file);
    for (const [, target] of readFileSync(path, "utf8").matchAll(/import\("(\.[^"]+\.ts)"\)/g))
      found.push(join(dirname(path), target));
  }
  return found;
}

/** Bundles the entry points into dist/, and writes their declarations to dist/types/. */
async function buildPackage() {
  const { build } = await import("esbuild");
  const { bundleWholePackages, wholePackages } = await import("./whole-packages.mjs");
  const { compileEarly } = await import("./compile-early.mjs");
  rmSync(join(root, "dist"), { recursive: true, force: true });
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const shared = {
    absWorkingDir: root,
    bundle: true,
    format: "esm",
    target: "es2022",
    outdir: "dist",
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
    loader: { ".wasm": "base64" },
    define: { __VERSION__: JSON.stringify(version) },
    // Only node.ts, cli.ts and what they alone import may name Node's modules; a test checks the browser entries.
    // TensorFlow.js is an optional peer: users bring their own.
    external: ["node:*", "@tensorflow/*"],
    metafile: true,
    logLevel: "warning",
  };
  const metafiles = [await bundleWholePackages()];
  const { metafile } = await build({
    ...shared,
    entryPoints: [
      "src/index.ts",
      "src/node.ts",
      "src/kernels.ts",
      "src/data.ts",
      "src/many.ts",
      "src/tf.ts",
      "src/notebook.ts",
      { in: "src/cli/main.ts", out: "cli" },
    ],
    plugins: [wholePackages, oneCore],
    ...MINIFIED,
  });
  metafiles.push(metafile);
  await compileEarly(join(root, "dist/index.js"));
  await build({
    ...shared,
    ...FOR_WORKERD,
    entryPoints: ["index", "kernels", "many"].map((entry) => ({ in: `src/${entry}.ts`, out: `${entry}.workerd` })),
    chunkNames: "chunks/workerd-[name]-[hash]",
    plugins: [...FOR_WORKERD.plugins, oneCore],
    ...MINIFIED,
  });
  for (const target of WASM_BUILDS)
    copyFileSync(join(root, `build/rebasin.${target}.wasm`), join(root, `dist/rebasin.${target}.wasm`));
  const { thirdPartyNotices } = await import("./third-party.mjs");
  writeFileSync(join(root, "dist/third-party.txt"), thirdPartyNotices(metafiles));
  const tsc = join(dirname(require.resolve("typescript/package.json")), "bin", "tsc");
  execFileSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" });
  const { buildApp } = await import("./build-app.mjs");
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
