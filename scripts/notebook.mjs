// Runs examples/notebook.ipynb from a clean kernel, as `npm test` does; needs Jupyter (Debian: python3-nbclient
// python3-nbconvert jupyter-core jupyter-client jupyter-nbconvert) and a build. `node scripts/notebook.mjs` writes the
// outputs into the file.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Debian's, by its full path: a Python of another kind, first in PATH, may have one without a kernel client. */
const NBCONVERT = "/usr/bin/jupyter-nbconvert";

export const notebookFile = (root) => join(root, "examples/notebook.ipynb");

/** Why the notebook cannot be run here, or null. */
export function notebookMissing(root) {
  if (!existsSync(NBCONVERT)) return `no ${NBCONVERT}: apt-get install python3-nbclient jupyter-nbconvert installs it`;
  if (denoBinary(root) === null) return "no deno in node_modules: npm ci installs it";
  return null;
}

function denoBinary(root) {
  const file = join(dirname(createRequire(join(root, "package.json")).resolve("deno/package.json")), "deno");
  return existsSync(file) ? file : null;
}

/** Executes the notebook in its own folder, with a kernel of this project's Deno; returns it with its outputs. Throws with the cell's error. */
export function runNotebook(root) {
  const folder = mkdtempSync(join(tmpdir(), "rebasin-notebook-"));
  // Kernels and settings of the user stay out of it.
  const env = { ...process.env, HOME: folder, NO_COLOR: "1" };
  for (const name of ["JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_PATH", "XDG_DATA_HOME"]) delete env[name];
  const run = (file, args) =>
    execFileSync(file, args, { cwd: root, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  try {
    run(denoBinary(root), ["jupyter", "--install"]);
    const convert = ["--to", "notebook", "--execute", "--ExecutePreprocessor.timeout=120"];
    run(NBCONVERT, [...convert, "--output-dir", folder, "--output", "executed.ipynb", notebookFile(root)]);
    return JSON.parse(readFileSync(join(folder, "executed.ipynb"), "utf8"));
  } catch (error) {
    throw new Error(`${error.message}\n${error.stderr ?? ""}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * The same, once more where a cell that had an output in `before` has fewer: on a busy machine the client at times takes
 * a cell for done before the kernel's last message of it has come.
 */
export function runNotebookPatiently(root, before, attempts = 3) {
  const notebook = runNotebook(root);
  const count = (cell) => cell?.outputs?.length ?? 0;
  const isShort = notebook.cells.some((cell, at) => count(cell) < count(before.cells[at]));
  return isShort && attempts > 1 ? runNotebookPatiently(root, before, attempts - 1) : notebook;
}

/** The notebook as it is committed: without times, with the kernel's name alone. */
export function tidyNotebook(notebook) {
  for (const cell of notebook.cells) cell.metadata = {};
  const { kernelspec, language_info } = notebook.metadata;
  notebook.metadata = { kernelspec, language_info: { name: language_info.name, file_extension: ".ts" } };
  return notebook;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  writeFileSync(notebookFile(root), `${JSON.stringify(tidyNotebook(runNotebook(root)), null, 1)}\n`);
  console.log(`outputs written to ${notebookFile(root)}`);
}
