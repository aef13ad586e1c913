/** The files of the packed and installed tarball. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { coreModules } from "../../scripts/check-size.mjs";

declare const __ROOT__: string;

const test = suite("packed files");
const PACKAGE = "node_modules/rebasin";

test("the promises of the manifest: no dependencies, every export and its types exist, nothing else is packed", () => {
  const manifest = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8"));
  assert.is(manifest.dependencies, undefined);
  assert.is(manifest.sideEffects, false);
  for (const target of Object.values<string | Record<string, string>>(manifest.exports)) {
    for (const path of typeof target === "string" ? [target] : Object.values(target)) {
      assert.ok(existsSync(join(PACKAGE, path)), path);
    }
  }
  assert.equal(readdirSync(PACKAGE).sort(), [
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "dist",
    "docs",
    "package.json",
    "schema",
  ]);
  assert.is(manifest.scripts, undefined, "scripts are for a clone");
  // There is no public address yet.
  for (const key of ["repository", "homepage"]) assert.is(manifest[key], undefined, key);
});

test("every link of the packed papers leads to a packed file", () => {
  const papers = ["README.md", "CHANGELOG.md", ...readdirSync(join(PACKAGE, "docs")).map((file) => `docs/${file}`)];
  assert.ok(papers.length > 5);
  for (const paper of papers) {
    const text = readFileSync(join(PACKAGE, paper), "utf8");
    for (const [, target] of text.matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g))
      assert.ok(existsSync(join(PACKAGE, paper, "..", target!)), `${paper} links to ${target}`);
  }
});

test("source maps name the files of the project, not the folder in which it was built", () => {
  const maps = readdirSync(join(PACKAGE, "dist"), { recursive: true }).filter((file) => /\.map$/.test(String(file)));
  assert.ok(maps.length > 10);
  for (const map of maps) {
    const { sources, sourceRoot = "" } = JSON.parse(readFileSync(join(PACKAGE, "dist", String(map)), "utf8"));
    for (const source of [sourceRoot, ...sources])
      assert.match(
        source,
        /^$|^(?:\.\.\/){1,3}(?:src|node_modules)\/|^(?:whole|wasm|nothing|absent):[^/]/,
        `${map} names ${source}`,
      );
  }
});

test("what every matching calls is compiled early", () => {
  for (const entry of ["index.js", "index.workerd.js"]) {
    const core = [...reachable(join(PACKAGE, "dist", entry)).values()].join("\n");
    assert.ok(core.match(/\bvar [\w$]+=\((?:async )?function\(/g)!.length > 80, entry);
  }
});

/** Local modules that `entry` reaches, by their import statements. */
function reachable(entry: string): Map<string, string> {
  const found = new Map<string, string>();
  const visit = (file: string): void => {
    if (found.has(file)) return;
    const text = readFileSync(file, "utf8");
    found.set(file, text);
    for (const [, specifier] of text.matchAll(/\b(?:from|import)\s*"(\.[^"]+)"/g)) visit(join(file, "..", specifier!));
  };
  visit(entry);
  return found;
}

test("the core entry holds these modules and no others", () => {
  const listed = readFileSync(join(__ROOT__, "test/package/core-entry.txt"), "utf8").split("\n").filter(Boolean);
  assert.equal(coreModules(join(PACKAGE, "dist")), listed);
  for (const module of listed)
    assert.not.match(module, /^src\/(?:data|graph|many|run|by-data|repair|measure|report|display|node|cli)\//);
});

test("what a browser loads names no node: module", () => {
  for (const entry of ["index.js", "kernels.js", "data.js"]) {
    const files = reachable(join(PACKAGE, "dist", entry));
    assert.ok(files.size > 1);
    for (const [file, text] of files) assert.not.match(text, /["']node:/, file);
  }
});

test.run();
