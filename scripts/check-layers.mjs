// Checks the layer table of CONTRIBUTING.md against the imports of src/, and that no `node:` module is reachable from
// the entries that browsers load. Type-only imports count: a layer that names another's types depends on it.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { root } from "./build.mjs";

/** Folder or file (without .ts) → what it may import besides its own folder. The first that fits a file counts. */
const L0 = [
  "version",
  "errors",
  "dtype",
  "tensor",
  "rng",
  "progress",
  "options",
  "json-keys",
  "sha256",
  "graph",
  "text-table",
];
const L1 = ["kernels/", "io/", "spec/", "data/"];
const L3 = ["match/", "merge/", "run/"];
const L4 = ["rebasin", "recipes/", "report/"];
const LAYERS = [
  ...L0.map((file) => [file, L0]),
  ...L1.map((folder) => [folder, L0]),
  ["perm/", [...L0, ...L1]],
  ["match/", [...L0, ...L1, "perm/"]],
  ["merge/", [...L0, ...L1, "perm/"]],
  // What runs networks needs TensorFlow.js, an optional peer.
  ["run/", [...L0, ...L1, "perm/"]],
  ["rebasin", [...L0, ...L1, "perm/", "match/", "merge/"]],
  ["recipes/", [...L0, ...L1, "perm/", ...L3, "rebasin"]],
  // Plots and pages: knows plain values, not models.
  ["report/", L0],
  ["node/", [...L0, "io/", "data/"]],
  ["index", [...L0, ...L1, "perm/", "match/", "merge/", "rebasin"]],
  ["kernels", ["kernels/"]],
  ["data", [...L0, "data/"]],
  ["many", [...L0, ...L1, "perm/", ...L3, ...L4]],
  ["tf", [...L0, ...L1, "perm/", ...L3, ...L4]],
  ["display/", [...L0, ...L1, "perm/", ...L3, ...L4]],
  ["notebook", [...L0, ...L1, "perm/", ...L3, ...L4, "display/"]],
  ["app/", [...L0, ...L1, "perm/", ...L3, ...L4, "index", "data", "many", "tf"]],
  ["node", [...L0, ...L1, "node/", "rebasin", "index"]],
  ["cli/", [...L0, ...L1, "perm/", ...L3, ...L4, "node/"]],
];
const BROWSER_ENTRIES = ["index.ts", "kernels.ts", "data.ts", "many.ts", "tf.ts", "notebook.ts"].filter((entry) =>
  existsSync(join(root, "src", entry)),
);

const source = join(root, "src");
const files = readdirSync(source, { recursive: true })
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"));

/** Module specifiers of a file; strings and comments hold none that start with a dot or `node:`. */
function importsOf(file) {
  const text = readFileSync(join(source, file), "utf8");
  const found = [
    ...text.matchAll(/^\s*(?:import|export)\b[^;]*?from\s+"([^"]+)"|^import\s+"([^"]+)"|import\("([^"]+)"\)/gm),
  ];
  return found.map(([, from, bare, dynamic]) => from ?? bare ?? dynamic);
}

const layerOf = (file) => LAYERS.find(([name]) => (name.endsWith("/") ? file.startsWith(name) : file === `${name}.ts`));
const resolve = (file, specifier) => normalize(join(dirname(file), specifier)).replaceAll("\\", "/");
const faults = [];
const graph = new Map();
for (const file of files) {
  const layer = layerOf(file);
  if (layer === undefined) {
    faults.push(`src/${file} is in no layer, expected an entry in scripts/check-layers.mjs and CONTRIBUTING.md`);
    continue;
  }
  const [own, allowed] = layer;
  const specifiers = importsOf(file);
  graph.set(file, specifiers);
  for (const specifier of specifiers) {
    if (!specifier.startsWith(".") || specifier.endsWith(".wasm")) continue;
    const target = resolve(file, specifier);
    const fits = (name) => (name.endsWith("/") ? target.startsWith(name) : target === `${name}.ts`);
    if (!fits(own) && !allowed.some(fits))
      faults.push(`src/${file} imports src/${target}, expected only ${[own, ...allowed].join(" ")}`);
  }
}
for (const entry of BROWSER_ENTRIES) {
  const seen = new Set([entry]);
  for (const file of seen) {
    for (const specifier of graph.get(file) ?? []) {
      if (specifier.startsWith("node:"))
        faults.push(`src/${file} imports ${specifier} and is reachable from src/${entry}, expected no node: module`);
      else if (specifier.startsWith(".") && specifier.endsWith(".ts")) seen.add(resolve(file, specifier));
    }
  }
}
for (const fault of faults) console.error(fault);
console.log(`${files.length} files of ${relative(root, source)}/ in ${LAYERS.length} layers, ${faults.length} faults`);
process.exitCode = faults.length > 0 || files.length === 0 ? 1 : 0;
