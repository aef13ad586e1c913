// Bundles the entry points of the package into dist/, twice: for edge workers, and for everything else.
import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { embedWasm } from "./embed-wasm.mjs";
import { bundleWholePackages, wholePackages } from "./whole-packages.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

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
        onResolve({ filter: /(-threads|relaxed)\.wasm$/ }, ({ path }) => ({
          path: basename(path),
          namespace: "absent",
        }));
        onLoad({ filter: /.*/, namespace: "absent" }, () => ({ contents: "", loader: "text" }));
        // Bundlers put what is imported on demand into the worker's one file, which is read before every first request.
        onResolve({ filter: /\/(crc32|special-kernels)\.ts$/ }, ({ path, kind }) =>
          kind === "dynamic-import" ? { path, namespace: "nothing" } : undefined,
        );
        const nothing = "export const specialKernels = () => null, createCrc32 = () => null;";
        onLoad({ filter: /.*/, namespace: "nothing" }, () => ({ contents: nothing }));
      },
    },
  ],
};

/**
 * Nor does an edge worker read other formats than it imports itself, and all of them have SIMD. Not for tests, which run all
 * suites there.
 */
const EDGE_FORMATS = join(root, "src/formats/open-other-edge.ts");
const EDGE_SHA256 = join(root, "src/base/sha256-edge.ts");
const onlyTheCore = {
  name: "no other formats, no scalar build",
  setup({ onResolve }) {
    onResolve({ filter: /rebasin\.scalar\.wasm$/ }, ({ path }) => ({ path: basename(path), namespace: "absent" }));
    onResolve({ filter: /\/open-other\.ts$/ }, ({ kind }) =>
      kind === "dynamic-import" ? { path: EDGE_FORMATS } : undefined,
    );
    onResolve({ filter: /\/base\/sha256\.ts$/ }, () => ({ path: EDGE_SHA256 }));
  },
};

/** Maps lie beside the bundles, so that debuggers and `node --enable-source-maps` name functions and lines. */
const MINIFIED = { minify: true, sourcemap: "linked", sourcesContent: false };

/**
 * Keeps the core in one chunk. esbuild makes one for every combination of entries, and of files imported on demand, that
 * reach a module: the core would come in sixteen, each with a file to load and worse compressed. So whatever reaches part
 * of it is made to reach all of it, but for `rebasin/kernels`, which does with little: what it shares with the core is a
 * chunk of its own, and for the main thread of the command line, which shares nothing.
 */
const CORE = join(root, "src/index.ts");
const SMALL_ENTRIES = ["src/kernels.ts", "src/cli/main.ts"].map((file) => join(root, file));
const oneCore = {
  name: "core in one chunk",
  setup({ initialOptions, onLoad, onResolve }) {
    const entries = initialOptions.entryPoints.map((entry) => join(root, entry.in ?? entry));
    const whole = new Set(
      [...entries, ...onDemand(), EDGE_FORMATS].filter((path) => path !== CORE && !SMALL_ENTRIES.includes(path)),
    );
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

/**
 * `rebasin/tf` re-exports files that import TensorFlow.js: without it they cannot even be linked, and engines say so in
 * words of their own. So the entry loads them as a chunk, and rejects with one line that says what to install.
 * `require` cannot wait for that: for it the chunk is an entry, too.
 */
const TF = join(root, "src/tf.ts");
const TF_UNGUARDED = "tf-unguarded";
const guardedTf = {
  name: "rebasin/tf says what to install",
  setup({ onLoad, onResolve }) {
    onResolve({ filter: new RegExp(`^${TF_UNGUARDED}$`) }, () => ({ path: TF, suffix: "?unguarded" }));
    onLoad({ filter: /src[\\/]tf\.ts$/ }, ({ path, suffix }) => {
      if (suffix !== "") return undefined;
      const names = [...readFileSync(path, "utf8").matchAll(/^export \{([^}]*)\} from/gm)]
        .flatMap(([, list]) => list.split(","))
        .map((name) => name.trim())
        .filter((name) => name !== "" && !name.startsWith("type "));
      const contents = `import { withTensorFlow } from "./run/with-tensorflow.ts";
        export const { ${names.join(", ")} } = await withTensorFlow(() => import("${TF_UNGUARDED}"));`;
      return { contents, loader: "ts", resolveDir: dirname(path) };
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

/** What both have in common. */
const sharedOptions = (version) => ({
  absWorkingDir: root,
  bundle: true,
  format: "esm",
  target: "es2022",
  outdir: "dist",
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  define: { __VERSION__: JSON.stringify(version) },
  // Only node.ts, cli.ts and what they alone import may name Node's modules; a test checks the browser entries.
  // Optional peers: users bring their own.
  external: ["node:*", "@tensorflow/*", "bullmq", "ioredis", "onnxruntime-web"],
  metafile: true,
  logLevel: "warning",
  ...MINIFIED,
});

/** Files of src/ itself: each is an entry of the package. */
const ENTRIES = readdirSync(join(root, "src")).filter((file) => file.endsWith(".ts"));

/** Resolves to esbuild's metafiles, which tell what is in the bundles. */
export async function bundlePackage(version) {
  const shared = sharedOptions(version);
  const packages = await bundleWholePackages();
  const { metafile } = await build({
    ...shared,
    entryPoints: [
      ...ENTRIES.map((file) => `src/${file}`),
      { in: "src/cli/main.ts", out: "cli" },
      { in: "src/cli/worker.ts", out: "cli-worker" },
      { in: "src/cli/measuring/measure-worker.ts", out: "measure-worker" },
      { in: TF_UNGUARDED, out: TF_UNGUARDED },
    ],
    plugins: [embedWasm, wholePackages, guardedTf, oneCore],
  });
  await build({
    ...shared,
    ...FOR_WORKERD,
    entryPoints: ["index", "kernels", "many", "formats"].map((entry) => ({
      in: `src/${entry}.ts`,
      out: `${entry}.workerd`,
    })),
    chunkNames: "chunks/workerd-[name]-[hash]",
    plugins: [...FOR_WORKERD.plugins, onlyTheCore, oneCore],
  });
  return [packages, metafile];
}
