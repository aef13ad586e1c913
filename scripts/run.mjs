// Runs a TypeScript script in Node 20, which cannot: `node scripts/run.mjs scripts/demo.ts [arguments]`.
// Packages (and `rebasin` itself, through its own exports) stay external, so a script sees what a user's program sees;
// what a script imports from src/ itself is bundled as build.mjs bundles it.
import { mkdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { root } from "./build.mjs";
import { embedWasm } from "./embed-wasm.mjs";

const [script, ...args] = process.argv.slice(2);
if (script === undefined) {
  console.error("usage: node scripts/run.mjs SCRIPT.ts [ARGUMENT ...]");
  process.exit(2);
}
const outfile = join(root, "build/scripts", `${basename(script, ".ts")}.mjs`);
mkdirSync(join(root, "build/scripts"), { recursive: true });
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
await build({
  entryPoints: [script],
  outfile,
  bundle: true,
  packages: "external",
  platform: "node",
  format: "esm",
  target: "es2022",
  plugins: [embedWasm],
  define: { __VERSION__: JSON.stringify(version) },
  logLevel: "warning",
});
process.argv = [process.argv[0], outfile, ...args];
await import(pathToFileURL(outfile).href);
