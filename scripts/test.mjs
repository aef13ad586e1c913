// npm test: bundles the suites and runs them in Node, Deno and Bun; ends with `N passed, N failed`.
//   unit     test/unit/*.test.ts     src with the built wasm; portable, no file system
//   node     test/node/*.test.ts     files and the command line (dist/)
//   package  test/package/*.test.ts  imports `rebasin` from the packed and installed tarball
// Options: --runtime node,deno,bun  --suite unit,node,package  --match TEXT (file names)  --no-build
import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { root } from "./build.mjs";

const { values: options } = parseArgs({
  options: {
    runtime: { type: "string", default: "node,deno,bun" },
    suite: { type: "string", default: "unit,node,package" },
    match: { type: "string", default: "" },
    "no-build": { type: "boolean", default: false },
  },
});
const require = createRequire(import.meta.url);
const binary = (name, file) => join(dirname(require.resolve(`${name}/package.json`)), file);
/** The binary itself where the package has put it in place: its launcher would not pass signals on. */
function denoCommand() {
  const direct = binary("deno", process.platform === "win32" ? "deno.exe" : "deno");
  return existsSync(direct) ? [direct] : [process.execPath, binary("deno", "bin.cjs")];
}
const RUNTIMES = {
  node: [process.execPath],
  deno: [...denoCommand(), "run", "-A", "--no-lock", "--quiet"],
  bun: [binary("bun", "bin/bun.exe"), "run"],
};

/** TensorFlow.js finds its wasm beside its own files. */
const EXTERNAL = { node: ["@tensorflow/*"], package: ["rebasin", "rebasin/*"] };

async function bundle(suite, outfile, extra) {
  const folder = join(root, "test", suite);
  const files = readdirSync(folder)
    .filter((file) => file.endsWith(".test.ts") && file.includes(options.match))
    .sort();
  if (files.length === 0) return false;
  const imports = files.map((file) => `import ${JSON.stringify(`./${suite}/${file}`)};`);
  const contents = [
    'import "./setup.ts";',
    ...imports,
    'import { runAndReport } from "./run-suites.ts";',
    "await runAndReport();",
  ].join("\n");
  await build({
    stdin: { contents, resolveDir: join(root, "test"), loader: "ts" },
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "es2022",
    ignoreAnnotations: true, // package.json says sideEffects: false, which would drop the suites
    loader: { ".wasm": "base64" },
    define: { __VERSION__: JSON.stringify("0.0.0-test"), __ROOT__: JSON.stringify(root) },
    logLevel: "error",
    ...extra,
  });
  return true;
}

/** Packs the project and installs the tarball into an empty folder, as a user would. */
function installPacked() {
  const folder = mkdtempSync(join(tmpdir(), "rebasin-package-"));
  const run = (args, cwd) => execFileSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  const [{ filename }] = JSON.parse(run(["pack", "--ignore-scripts", "--json", "--pack-destination", folder], root));
  writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  run(["install", "--no-audit", "--no-fund", `./${filename}`], folder);
  cpSync(join(root, "test/fixtures"), join(folder, "fixtures"), { recursive: true });
  return folder;
}

/** Runs one bundle in one runtime, forwarding its output; resolves to its counts. */
function runIn(runtime, file, cwd) {
  const [command, ...args] = RUNTIMES[runtime];
  return new Promise((resolve) => {
    const child = spawn(command, [...args, file], {
      cwd,
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, REBASIN_RUNTIME: JSON.stringify(RUNTIMES[runtime]) },
    });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      output += text;
      process.stdout.write(text.replaceAll(/^##counts .*$/gm, ""));
    });
    child.on("close", (code) => {
      const line = /^##counts (.*)$/m.exec(output);
      // A runtime that dies, or says nothing, or counts nothing is one failure more than it admits.
      const counts = line ? JSON.parse(line[1]) : { passed: 0, failed: 0, skipped: 0 };
      if ((code !== 0 && counts.failed === 0) || counts.passed + counts.failed === 0) counts.failed += 1;
      resolve(counts);
    });
  });
}

if (!options["no-build"])
  execFileSync(process.execPath, [join(root, "scripts/build.mjs")], { cwd: root, stdio: "inherit" });
mkdirSync(join(root, "build/test"), { recursive: true });
const total = { passed: 0, failed: 0, skipped: 0 };
const lines = [];
for (const suite of options.suite.split(",")) {
  const cwd = suite === "package" ? installPacked() : root;
  const file = suite === "package" ? join(cwd, "suite.mjs") : join(root, `build/test/${suite}-${process.pid}.mjs`);
  if (!(await bundle(suite, file, { external: EXTERNAL[suite] ?? [] }))) continue;
  for (const runtime of options.runtime.split(",")) {
    console.log(`\n── ${suite} in ${runtime} ──`);
    const counts = await runIn(runtime, file, cwd);
    for (const key of Object.keys(total)) total[key] += counts[key];
    lines.push(`${suite} in ${runtime}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  }
  rmSync(suite === "package" ? cwd : file, { recursive: true, force: true });
}
console.log(`\n${lines.join("\n")}`);
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped ? `, ${total.skipped} skipped` : ""}`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
