/** The public names of every entry, held by a list: a name that comes or goes is seen. And exported type names are unique. */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";

declare const __ROOT__: string;

const test = suite("public names");
const SOURCES = join(__ROOT__, "src");
const SNAPSHOT = join(__ROOT__, "test/node/public-names.txt");

const TYPE = /^export (?:declare )?(?:abstract )?(?:interface|type|class|enum) (\w+)/gm;
const VALUE = /^export (?:declare )?(?:async )?(?:function\*?|const|let) (\w+)/gm;

const sourceOf = (file: string): string => readFileSync(file, "utf8").replaceAll(/\/\*[\s\S]*?\*\//g, "");
const declared = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, name]) => name!);

/** Names that `file` exports, "type X" for types. */
function namesOf(file: string): string[] {
  const text = sourceOf(file);
  const names = declared(text, VALUE).concat(declared(text, TYPE).map((name) => `type ${name}`));
  for (const [, only, list] of text.matchAll(/^export (type )?\{([^}]*)\}/gm)) {
    for (const item of list!.split(",").map((each) => each.trim())) {
      if (item === "") continue;
      const [, type, name] = /^(type )?(?:\w+ as )?(\w+)$/.exec(item)!;
      names.push(`${only !== undefined || type !== undefined ? "type " : ""}${name}`);
    }
  }
  for (const [, only, from] of text.matchAll(/^export (type )?\* from "(.*)"/gm)) {
    const others = namesOf(join(dirname(file), from!));
    names.push(...(only === undefined ? others : others.filter((name) => name.startsWith("type "))));
  }
  return [...new Set(names)];
}

function* sources(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sources(path);
    else if (path.endsWith(".ts") && !path.endsWith(".d.ts")) yield path;
  }
}

test("every entry exports what the list says (REBASIN_WRITE_NAMES=1 writes it anew)", () => {
  const { exports } = JSON.parse(readFileSync(join(__ROOT__, "package.json"), "utf8")) as { exports: object };
  const entries = Object.keys(exports).filter((entry) => /^\.(\/[\w-]+)?$/.test(entry));
  const lines = entries.flatMap((entry) => {
    const file = entry === "." ? "index" : entry.slice(2);
    const names = namesOf(join(SOURCES, `${file}.ts`)).sort();
    return [`rebasin${entry.slice(1)}`, ...names.map((name) => `  ${name}`)];
  });
  const found = `${lines.join("\n")}\n`;
  if (process.env.REBASIN_WRITE_NAMES === "1") writeFileSync(SNAPSHOT, found);
  assert.fixture(found, readFileSync(SNAPSHOT, "utf8"));
  assert.ok(entries.length > 8 && lines.length > 200, "the entries are found");
});

test("no two files export a type of one name", () => {
  const homes = new Map<string, string[]>();
  for (const file of sources(SOURCES)) {
    for (const name of declared(sourceOf(file), TYPE))
      homes.set(name, [...(homes.get(name) ?? []), file.slice(SOURCES.length + 1)]);
  }
  assert.ok(homes.size > 200, "types are found");
  assert.equal(
    [...homes].filter(([, files]) => files.length > 1),
    [],
  );
});

test.run();
