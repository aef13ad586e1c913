// Runtimes of the command line: a bundle is the program they run. Node 22 and 24 are installed apart, in nodes/: as
// dependencies of the project they would put their own `node` before the one that npm scripts are meant to run in.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const folderOf = (name) => dirname(require.resolve(`${name}/package.json`));
const nodes = join(dirname(fileURLToPath(import.meta.url)), "nodes/node_modules");

/** The binary itself where the package has put it in place: its launcher would not pass signals on. */
function denoCommand() {
  const direct = join(folderOf("deno"), process.platform === "win32" ? "deno.exe" : "deno");
  return existsSync(direct) ? [direct] : [process.execPath, join(folderOf("deno"), "bin.cjs")];
}

function program(suites, command, hint) {
  return {
    suites,
    missing: () => (existsSync(command[0]) ? null : hint),
    run: (job) => runProgram(command, job),
  };
}

/** Runs a bundle by a command; `env` is set besides. Rejects unless it ends with exit code 0. */
export function runProgram([file, ...words], { folder, cwd, log }, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, [...words, join(folder, "main.mjs")], {
      cwd,
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, REBASIN_RUNTIME: JSON.stringify([file, ...words]), ...env },
    });
    child.stdout.setEncoding("utf8").on("data", log);
    child.on("error", reject);
    child.on("close", (code, signal) =>
      code === 0 ? resolve() : reject(new Error(`${file} ended with ${signal ?? `exit code ${code}`}`)),
    );
  });
}

const ALL = ["unit", "node", "package"];
const APART = "npm ci --prefix scripts/runtimes/nodes installs it";

export const processes = {
  node: program([...ALL, "consumers", "peers", "examples", "notebook", "docs"], [process.execPath], ""),
  deno: program([...ALL, "peers"], [...denoCommand(), "run", "-A", "--no-lock", "--quiet"], "npm ci installs it"),
  bun: program([...ALL, "peers"], [join(folderOf("bun"), "bin/bun.exe"), "run"], "npm ci installs it"),
  node22: program(["unit"], [join(nodes, "node22/bin/node")], APART),
  node24: program(["unit"], [join(nodes, "node24/bin/node")], APART),
};
