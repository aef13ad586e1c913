// Builds the browser app (app/) into dist/app/: a page, its workers and what they load, all static files that need
// nothing from elsewhere. `node scripts/build-app.mjs [FOLDER]`, after the wasm; `npm run build` includes it.
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { embedWasm } from "./embed-wasm.mjs";
import { thirdPartyNotices } from "./third-party.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);

/** The built-in pair and the test images, with their licence. */
const DATA = [
  "fmnist-mlp-small-a.safetensors",
  "fmnist-mlp-small-b.safetensors",
  "t10k-images-1000-idx3-ubyte.gz",
  "t10k-labels-1000-idx1-ubyte.gz",
  "FASHION-MNIST-LICENSE.txt",
];

/** TensorFlow.js chooses one by what the engine has. */
const TF_WASM = ["tfjs-backend-wasm.wasm", "tfjs-backend-wasm-simd.wasm"];

/** Builds into `folder`, which is emptied first; a bundle that fails leaves it as it was. */
export async function buildApp(folder = join(root, "dist/app")) {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [
      ...["main", "files-worker", "match-worker", "evaluate-worker", "charts-worker"].map((name) => `app/${name}.ts`),
      "app/style.css",
    ],
    outdir: folder,
    bundle: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
    plugins: [embedWasm],
    define: { __VERSION__: JSON.stringify(version) },
    minify: true,
    metafile: true,
    write: false,
    logLevel: "warning",
  });
  rmSync(folder, { recursive: true, force: true });
  for (const each of ["data", "tf", "chunks"]) mkdirSync(join(folder, each), { recursive: true });
  for (const { path, contents } of outputFiles) writeFileSync(path, contents);
  copyFileSync(join(root, "app/index.html"), join(folder, "index.html"));
  for (const file of DATA) copyFileSync(join(root, "test/fixtures", file), join(folder, "data", file));
  const tf = join(dirname(require.resolve("@tensorflow/tfjs-backend-wasm/package.json")), "dist");
  for (const file of TF_WASM) copyFileSync(join(tf, file), join(folder, "tf", file));
  writeFileSync(join(folder, "third-party.txt"), thirdPartyNotices([metafile]));
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await buildApp(process.argv[2] === undefined ? undefined : resolve(process.argv[2]));
