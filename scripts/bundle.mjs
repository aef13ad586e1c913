// Bundles the entry points of the package into dist/, twice: for edge workers, and for everything else.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { GROUPS, groupedImports } from "./chunk-groups.mjs";
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
 * Nor does an edge worker read other formats than it imports itself, or match blocks and slices, and all of them have SIMD. Not for tests, which run all
 * suites there.
 */
const EDGE_FORMATS = join(root, "src/formats/open-other-edge.ts");
/** Files that an edge worker has instead: by how paths to those that they take the place of end. */
const EDGE_FILES = [
  [/\/numbered-names\.ts$/, "src/families/numbered-names-edge.ts"],
  [/\/base\/sha256\.ts$/, "src/base/sha256-edge.ts"],
  [/\/load-scale-range\.ts$/, "src/match/costs/load-scale-range-edge.ts"],
  [/\/read-pieces\.ts$/, "src/formats/safetensors/read-pieces-edge.ts"],
  [/\/decode-hex\.ts$/, "src/kernels/decode-hex-edge.ts"],
  [/\/choose-kernels\.ts$/, "src/match/choose-kernels-edge.ts"],
  [/\/link\/from-graph\.ts$/, "src/link/from-graph-edge.ts"],
  [/\/prepare\.ts$/, "src/match/prepare-edge.ts"],
  [/\/row-part\.ts$/, "src/perm/row-part-edge.ts"],
  [/\/read-pair\.ts$/, "src/merge/read-pair-edge.ts"],
  // Transformers and their specs have no room there.
  [/\/slices\.ts$/, "src/axes/slices-edge.ts"],
  [/\/block-digits\.ts$/, "src/axes/block-digits-edge.ts"],
  [/\/table-spec\.ts$/, "src/families/table-spec-edge.ts"],
  [/\/load-nested\.ts$/, "src/match/load-nested-edge.ts"],
  [/\/load-keeper\.ts$/, "src/match/load-keeper-edge.ts"],
  [/\/load-large\.ts$/, "src/match/load-large-edge.ts"],
  [/\/load-arc\.ts$/, "src/merge/methods/load-arc-edge.ts"],
];
const onlyTheCore = {
  name: "no other formats, no scalar build",
  setup({ onResolve }) {
    onResolve({ filter: /rebasin\.scalar\.wasm$/ }, ({ path }) => ({ path: basename(path), namespace: "absent" }));
    onResolve({ filter: /\/open-other\.ts$/ }, ({ kind }) =>
      kind === "dynamic-import" ? { path: EDGE_FORMATS } : undefined,
    );
    for (const [filter, file] of EDGE_FILES) onResolve({ filter }, () => ({ path: join(root, file) }));
  },
};

/** Maps lie beside the bundles, so that debuggers and `node --enable-source-maps` name functions and lines. */
const MINIFIED = { minify: true, sourcemap: "linked", sourcesContent: false };

/** Entries that do without the core: `rebasin/kernels`, with which it shares a chunk, and the main thread of the command line. */
const SMALL_ENTRIES = ["src/kernels.ts", "src/cli/main.ts"];

/** Keeps groups of files in one chunk each. */
const WHOLE = "groups in one chunk each";
const wholeGroups = (groups) => ({
  name: WHOLE,
  async setup({ initialOptions, onLoad, onResolve }) {
    const entries = initialOptions.entryPoints.map((entry) => entry.in ?? entry);
    const plugins = initialOptions.plugins.filter(({ name }) => name !== WHOLE);
    const kept = { groups, small: SMALL_ENTRIES };
    const besides = await groupedImports(entries, kept, { ...initialOptions, plugins });
    // Else imports for the sake of chunks are dropped.
    onResolve({ filter: /^\.{0,2}\/.*\.ts$/ }, ({ path, resolveDir }) => ({
      path: resolve(resolveDir, path),
      sideEffects: true,
    }));
    onLoad({ filter: /src[\\/].*\.ts$/ }, ({ path }) => {
      const imports = besides.get(relative(root, path).replaceAll("\\", "/"));
      if (imports === undefined) return undefined;
      const lines = imports.map((file) => `import "${join(root, file)}";`);
      return { contents: [readFileSync(path, "utf8"), ...lines].join("\n"), loader: "ts" };
    });
  },
});

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
  external: ["node:*", "@tensorflow/*", "bullmq", "ioredis", "onnxruntime-web", "h5wasm"],
  metafile: true,
  logLevel: "warning",
  ...MINIFIED,
});

/** Files of src/ itself: each is an entry of the package. */
const ENTRIES = readdirSync(join(root, "src")).filter((file) => file.endsWith(".ts"));

/** webpack would warn of the optional peer in every build without it. esbuild drops the comment that tells it so. */
function keepFromWebpack(path) {
  if (!/by-h5wasm-\w+\.js$/.test(path)) return;
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.replace('import("h5wasm")', 'import(/* webpackIgnore: true */"h5wasm")'));
}

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
    plugins: [embedWasm, wholePackages, guardedTf, wholeGroups(GROUPS)],
  });
  await build({
    ...shared,
    ...FOR_WORKERD,
    entryPoints: ["index", "kernels", "many", "formats"].map((entry) => ({
      in: `src/${entry}.ts`,
      out: `${entry}.workerd`,
    })),
    chunkNames: "chunks/workerd-[name]-[hash]",
    // Only the core: bundlers put whole groups into the one file of an edge worker.
    plugins: [...FOR_WORKERD.plugins, onlyTheCore, wholeGroups(GROUPS.slice(0, 1))],
  });
  for (const file of Object.keys(metafile.outputs)) keepFromWebpack(join(root, file));
  return [packages, metafile];
}
