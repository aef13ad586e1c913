// The manifest that users get has no scripts: those of package.json are for a clone. npm runs this file before and after it
// packs (`prepack`, `postpack`); `packProject` is for tests, which pack what is built already.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const MANIFEST = join(root, "package.json");
/** The whole manifest, while the other one is being packed. */
const WHOLE = join(root, "build/package.whole.json");

/** Puts the packed manifest in place of the whole one. What an interrupted run left is set right first. */
function shorten() {
  restore();
  mkdirSync(join(root, "build"), { recursive: true });
  const text = readFileSync(MANIFEST, "utf8");
  writeFileSync(WHOLE, text);
  const { scripts: _, ...packed } = JSON.parse(text);
  writeFileSync(MANIFEST, `${JSON.stringify(packed, null, 2)}\n`);
}

function restore() {
  if (!existsSync(WHOLE)) return;
  // One with scripts is whole, and may have been edited since.
  if ("scripts" in JSON.parse(readFileSync(MANIFEST, "utf8"))) rmSync(WHOLE);
  else renameSync(WHOLE, MANIFEST);
}

/** Packs what is built into `folder`; returns the path of the tarball. */
export function packProject(folder) {
  shorten();
  try {
    const words = ["pack", "--ignore-scripts", "--json", "--pack-destination", folder];
    const options = { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] };
    return join(folder, JSON.parse(execFileSync("npm", words, options))[0].filename);
  } finally {
    restore();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv[2] === "before") {
    execFileSync(process.execPath, [join(root, "scripts/build.mjs")], { cwd: root, stdio: ["ignore", 2, 2] });
    shorten();
  } else if (process.argv[2] === "after") restore();
  else {
    console.error(`usage: node scripts/pack.mjs before|after, got ${process.argv[2]}`);
    process.exitCode = 2;
  }
}
