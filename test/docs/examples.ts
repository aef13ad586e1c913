/** The `@example`s of docstrings of what the public entries export. */

import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

export interface Example {
  /** File below src/ and the name that the docstring stands before. */
  readonly where: string;
  readonly entry: string;
  readonly code: string;
}

/** Names and files that an entry exports, by its `export … from` statements; `export *` is followed. */
function exportsOf(source: string, entry: string): Map<string, string> {
  const text = readFileSync(join(source, entry), "utf8");
  const found = new Map<string, string>();
  for (const [, star, names, file] of text.matchAll(/export (?:type )?(?:(\*)|\{([^}]*)\}) from "(\.[^"]+)"/g)) {
    const path = normalize(join(dirname(entry), file!));
    if (star !== undefined) for (const [name, place] of exportsOf(source, path)) found.set(name, place);
    else for (const name of names!.split(",")) found.set(name.replace(/\btype\b/, "").trim(), path);
  }
  for (const [, name] of text.matchAll(/^export (?:async )?(?:function|const|class|interface|type) (\w+)/gm))
    found.set(name!, entry);
  found.delete("");
  return found;
}

const DOCSTRING = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*export (?:async )?(?:function|const|class|interface|type) (\w+)/g;

/** Every example of a name that `entries` export, once. Files that re-export are followed. */
export function examplesOf(source: string, entries: ReadonlyMap<string, string>): Example[] {
  const examples = new Map<string, Example>();
  for (const [entry, file] of entries) {
    const own = findExample(source, file, null);
    if (own !== null) examples.set(own.where, { ...own, entry });
    for (const [name, place] of exportsOf(source, file)) {
      const found = findExample(source, place, name);
      if (found !== null && !examples.has(found.where)) examples.set(found.where, { ...found, entry });
    }
  }
  return [...examples.values()];
}

/** The example of a name, or with `null` the one that a file begins with. */
function findExample(source: string, file: string, name: string | null): Omit<Example, "entry"> | null {
  const text = readFileSync(join(source, file), "utf8");
  if (name === null) {
    const [, first] = /^\/\*\*([\s\S]*?)\*\//.exec(text) ?? [];
    const code = first?.includes("@module") ? exampleIn(first) : null;
    return code === null ? null : { where: file, code };
  }
  for (const [, comment, documented] of text.matchAll(DOCSTRING)) {
    if (documented !== name) continue;
    const code = exampleIn(comment!);
    return code === null ? null : { where: `${file}#${name}`, code };
  }
  const [, next] = new RegExp(`export \\{[^}]*\\b${name}\\b[^}]*\\} from "(\\.[^"]+)"`).exec(text) ?? [];
  return next === undefined ? null : findExample(source, normalize(join(dirname(file), next)), name);
}

function exampleIn(comment: string): string | null {
  const at = comment.indexOf("@example");
  if (at < 0) return null;
  const code = comment
    .slice(at + "@example".length)
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, ""))
    .join("\n");
  return code.replace(/^@\w+[\s\S]*/m, "").trim();
}
