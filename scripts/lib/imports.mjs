// What a file of TypeScript imports and exports, read by its text. Type-only imports count, and imports on demand.
import { dirname, join, normalize } from "node:path";

const withoutComments = (text) => text.replace(/^\s*(?:\/\/|\/?\*).*$/gm, "");

const STATIC = /^\s*(?:import|export)\b([^;"'`]*?)\bfrom\s+"([^"]+)"|^\s*import\s+"([^"]+)"/gm;
/** With the names taken of what comes: by destructuring, before, or by a dot, behind. */
const DEMANDED =
  /(?:\{([^{}]*)\}\s*=\s*await\s+(?:\w+\(\s*\(\)\s*=>\s*)?)?\bimport\(\s*"([^"]+)"\s*\)(?:\)?\s*\.(?!then\b)(\w+))?/g;

/** `{ a, type B as C }` → a, B; undefined where names are not said one by one. */
function namesIn(clause) {
  const braces = clause.match(/\{([^{}]*)\}/);
  if (braces === null) return undefined;
  const words = braces[1].split(",").map((word) => word.trim().replace(/^type\s+/, ""));
  return words.filter(Boolean).map((word) => word.split(/\s+as\s+|\s*:\s*/)[0]);
}

/** `file` is a path with slashes; `target` is the file for specifiers that start with a dot, else undefined. */
export function importsOf(file, text) {
  const code = withoutComments(text);
  const found = [];
  const add = (specifier, names) => {
    const target = specifier.startsWith(".")
      ? normalize(join(dirname(file), specifier)).replaceAll("\\", "/")
      : undefined;
    found.push({ specifier, target, names });
  };
  for (const [, clause, from, bare] of code.matchAll(STATIC))
    add(from ?? bare, clause === undefined ? [] : namesIn(clause));
  for (const [, before, specifier, after] of code.matchAll(DEMANDED)) {
    if (before !== undefined) add(specifier, namesIn(`{${before}}`));
    else add(specifier, after === undefined ? undefined : [after]);
  }
  return found;
}

/** What a file exports again from others: `{ target, names }`, with `names` undefined for all. */
export function exportedFrom(file, text) {
  const code = withoutComments(text);
  const exported = [...code.matchAll(/^export\b([^;"'`=(]*?)\bfrom\s+"(\.[^"]+)"/gm)];
  const targetOf = (specifier) => normalize(join(dirname(file), specifier)).replaceAll("\\", "/");
  const found = exported.map(([, clause, specifier]) => ({ target: targetOf(specifier), names: namesIn(clause) }));
  // `import { x } from …; export { x };`
  const local = [...code.matchAll(/^export\s*(\{[^}]*\});/gm)].flatMap(([, clause]) => namesIn(clause));
  for (const { target, names } of importsOf(file, text)) {
    const again = names?.filter((name) => local.includes(name)) ?? [];
    if (again.length > 0) found.push({ target, names: again });
  }
  return found;
}

/** Circles of a graph, file → files: the strongly connected parts of more than one file (Tarjan). */
export function circlesOf(graph) {
  const [index, low, stack, circles] = [new Map(), new Map(), [], []];
  const visit = (file) => {
    index.set(file, index.size);
    low.set(file, index.get(file));
    stack.push(file);
    for (const next of graph.get(file) ?? []) {
      if (!index.has(next)) visit(next);
      if (stack.includes(next)) low.set(file, Math.min(low.get(file), low.get(next)));
    }
    if (low.get(file) !== index.get(file)) return;
    const part = stack.splice(stack.indexOf(file));
    if (part.length > 1 || graph.get(file)?.includes(file)) circles.push(part);
  };
  for (const file of graph.keys()) if (!index.has(file)) visit(file);
  return circles;
}
