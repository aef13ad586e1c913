// Holds the imports of src/ and app/ against the table of layers in CONTRIBUTING.md, the only place that states them.
// Refuses: a file without a row; an import that its row does not list; a row that lists one below it; circles of files;
// `node:` modules reachable from what browsers load; names that are not public where a row says `public names`.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { circlesOf, exportedFrom, importsOf } from "./lib/imports.mjs";

const PUBLIC = "public names";
/** Entries for Node, Deno and Bun alone. */
const FOR_FILES = ["src/node.ts", "src/jobs.ts", "src/recipes.ts"];

/** Rows of the table: `{ places, allowed, publicOnly }`, both lists of paths such as `src/base/` or `src/index.ts`. */
export function readTable(markdown) {
  const lines = markdown.split("\n");
  const head = lines.findIndex((line) => /^\|\s*files\s*\|\s*job\s*\|\s*may import\s*\|/.test(line));
  if (head < 0) throw new Error("CONTRIBUTING.md has no table `| files | job | may import |`, expected the layers");
  const rows = [];
  for (const line of lines.slice(head + 2)) {
    const [, files, , imports] = line.split(/(?<!\\)\|/);
    if (imports === undefined) break;
    const words = (cell) => [...cell.matchAll(/`([^`]+)`/g)].flatMap(([, text]) => text.split(" "));
    rows.push({ places: words(files), allowed: words(imports), publicOnly: imports.includes(PUBLIC) });
  }
  return rows;
}

const holds = (place, file) => (place.endsWith("/") ? file.startsWith(place) : file === place);
/** `base` and `match/costs` are folders of src/; entry files are said in full. */
const placeOf = (name) => (name.endsWith(".ts") ? `src/${name}` : `src/${name}/`);

/** The row whose place fits a file most closely. */
function rowOf(rows, file) {
  let best;
  let length = 0;
  for (const row of rows) {
    for (const place of row.places)
      if (holds(place, file) && place.length > length) [best, length] = [row, place.length];
  }
  return best;
}

function* tableFaults(rows) {
  const above = [];
  for (const { places, allowed } of rows) {
    for (const name of allowed) {
      const place = placeOf(name);
      if (!above.some((other) => holds(place, other) || holds(other, place)))
        yield `CONTRIBUTING.md: ${places.join(" ")} may import ${name}, expected the name of a row above it`;
    }
    above.push(...places);
  }
}

function* rowFaults(rows, file, imports) {
  const row = rowOf(rows, file);
  if (row === undefined) {
    yield `${file} is in no layer, expected a row for it in the table of CONTRIBUTING.md`;
    return;
  }
  if (row.publicOnly) return;
  for (const { target } of imports) {
    if (target === undefined || target.endsWith(".wasm") || rowOf(rows, target) === row) continue;
    if (!row.allowed.some((name) => holds(placeOf(name), target)))
      yield `${file} imports ${target}, expected only ${["its own folder", ...row.allowed].join(", ")}`;
  }
}

/** Names that entries export, by the file that declares them; null for a file of which all names are exported. */
function publicNames(entries, texts) {
  const names = new Map();
  for (const entry of entries) {
    for (const { target, names: some } of exportedFrom(entry, texts.get(entry))) {
      if (some === undefined) names.set(target, null);
      else if (names.get(target) !== null) names.set(target, new Set([...(names.get(target) ?? []), ...some]));
    }
  }
  return names;
}

function* publicFaults(rows, entries, texts, file, imports) {
  const row = rowOf(rows, file);
  if (!row?.publicOnly) return;
  const known = publicNames(entries, texts);
  for (const { target, names } of imports) {
    if (target === undefined || rowOf(rows, target) === row || entries.includes(target)) continue;
    if (row.allowed.some((name) => holds(placeOf(name), target))) continue;
    const open = known.get(target);
    if (open === null) continue;
    const hidden = names?.filter((name) => !open?.has(name)) ?? ["names not said one by one"];
    if (file.startsWith("app/")) yield `${file} imports ${target}, expected an entry file of src/`;
    else if (hidden.length > 0)
      yield `${file} imports ${hidden.join(", ")} of ${target}, expected names that an entry file of src/ exports`;
  }
}

function* nodeFaults(entries, graph) {
  for (const entry of entries.filter((file) => !FOR_FILES.includes(file))) {
    const seen = new Set([entry]);
    for (const file of seen) {
      for (const { specifier, target } of graph.get(file) ?? []) {
        if (specifier.startsWith("node:"))
          yield `${file} imports ${specifier} and is reachable from ${entry}, expected no node: module`;
        else if (target?.endsWith(".ts")) seen.add(target);
      }
    }
  }
}

/** Files of src/ and app/ under `folder`, with slashes. */
function sourceFiles(folder) {
  const files = [];
  for (const place of ["src", "app"].filter((name) => existsSync(join(folder, name)))) {
    for (const file of readdirSync(join(folder, place), { recursive: true }))
      if (/(?<!\.d)\.ts$/.test(file)) files.push(`${place}/${file.replaceAll("\\", "/")}`);
  }
  return files;
}

/** Faults of the project in `folder`, one line each, and how much was looked at. */
export function checkLayers(folder) {
  const rows = readTable(readFileSync(join(folder, "CONTRIBUTING.md"), "utf8"));
  const files = sourceFiles(folder);
  const texts = new Map(files.map((file) => [file, readFileSync(join(folder, file), "utf8")]));
  const graph = new Map(files.map((file) => [file, importsOf(file, texts.get(file))]));
  const entries = files.filter((file) => /^src\/[^/]+$/.test(file));
  const circles = circlesOf(new Map(files.map((file) => [file, graph.get(file).map(({ target }) => target)])));
  const faults = [
    ...tableFaults(rows),
    ...files.flatMap((file) => [...rowFaults(rows, file, graph.get(file))]),
    ...files.flatMap((file) => [...publicFaults(rows, entries, texts, file, graph.get(file))]),
    ...circles.map((circle) => `${circle.sort().join(", ")} import each other, expected no circle of files`),
    ...nodeFaults(entries, graph),
  ];
  return { files: files.length, rows: rows.length, faults };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { files, rows, faults } = checkLayers(process.argv[2] ?? fileURLToPath(new URL("..", import.meta.url)));
  for (const fault of faults) console.error(fault);
  console.log(`${files} files in ${rows} layers, ${faults.length} faults`);
  process.exitCode = faults.length > 0 || files === 0 ? 1 : 0;
}
