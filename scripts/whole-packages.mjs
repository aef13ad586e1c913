// Packages with CommonJS inside, each bundled into one ES module before anything imports it: esbuild's helper for
// CommonJS would else be a file of its own in dist/, which every entry imports, also those that draw nothing.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What is imported on demand by what draws. */
const PACKAGES = { "@observablehq/plot": "plot", "linkedom/worker": "linkedom" };

/** Writes the modules to build/. Resolves to esbuild's metafile, which tells what is in them. */
export async function bundleWholePackages() {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: Object.entries(PACKAGES).map(([name, out]) => ({ in: name, out })),
    bundle: true,
    format: "esm",
    target: "es2022",
    outdir: "build",
    outExtension: { ".js": ".mjs" },
    metafile: true,
    logLevel: "warning",
  });
  return metafile;
}

/** Puts these modules where the packages are imported. Nothing in them need be kept for its effects. */
export const wholePackages = {
  name: "packages as whole modules",
  setup({ onResolve, onLoad }) {
    for (const [name, file] of Object.entries(PACKAGES)) {
      // By its name alone: source maps say nothing of the folder of the build.
      onResolve({ filter: new RegExp(`^${name}$`) }, () => ({ path: file, namespace: "whole" }));
    }
    onLoad({ filter: /.*/, namespace: "whole" }, ({ path }) => ({
      contents: readFileSync(join(root, `build/${path}.mjs`), "utf8"),
      loader: "js",
    }));
  },
};
