// Makes V8 compile early what every matching runs. It reads the inside of a function twice: quickly where the function
// stands, and again when it is first called. A function in parentheses is compiled at the first reading
// (https://v8.dev/blog/preparser#pife), so those that a first match calls are put in parentheses. esbuild, and with it
// wrangler, keeps these when it bundles the package.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { register } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

/** Rewrites what the entry at the path `index` loads, and the source maps beside it. */
export async function compileEarly(index) {
  const { default: MagicString } = await import("magic-string");
  const { default: remapping } = await import("@jridgewell/remapping");
  const words = [fileURLToPath(import.meta.url), pathToFileURL(index).href];
  const called = JSON.parse(execFileSync(process.execPath, words, { encoding: "utf8" }));
  for (const [file, ranges] of Object.entries(called)) {
    // An edge worker embeds it: there it counts twice, once as bytes.
    if (/workerd-known-families/.test(file)) continue;
    const text = readFileSync(file, "utf8");
    const edited = new MagicString(text);
    for (const range of ranges) putInParentheses(edited, text, range);
    const edit = edited.generateMap({ hires: "boundary", source: file });
    const map = remapping([edit, readFileSync(`${file}.map`, "utf8")], () => null);
    writeFileSync(file, edited.toString());
    writeFileSync(`${file}.map`, map.toString());
  }
}

const DECLARATION = /^(?:async )?function (?<name>[\w$]+)\(/;
const ARROW = /^(?:async ?)?(?:[\w$]+|\(.*?\))=>/s;

/**
 * A declaration at the top of its file moves to the front, as others may name it there: what is a declaration can be named
 * before it is reached, an expression cannot. An arrow function stays where it is; any other kind is left alone.
 */
function putInParentheses(edited, text, [start, end, isAtTop]) {
  const inside = text.slice(start, end);
  const name = DECLARATION.exec(inside)?.groups.name;
  // After a statement, or it would be an expression.
  if (name !== undefined && isAtTop && /(?:^|[;}\n])$/.test(text.slice(0, start))) {
    // The variable's name becomes the function's, which need not be written twice.
    const at = start + inside.indexOf(name, inside.indexOf("function") + 8);
    edited
      .appendRight(start, `var ${name}=(`)
      .appendLeft(end, ");")
      .remove(at - 1, at + name.length);
    if (start > 0) edited.move(start, end, 0);
  } else if (ARROW.test(inside)) edited.appendRight(start, "(").prependLeft(end, ")");
}

/** Node imports no .wasm file as the module that edge workers import. */
const WASM_MODULES = `import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
export async function load(url, context, next) {
  if (!url.endsWith(".wasm")) return next(url, context);
  const bytes = JSON.stringify(await readFile(fileURLToPath(url), "base64"));
  const source = "export default new WebAssembly.Module(Buffer.from(" + bytes + ", 'base64'));";
  return { format: "module", shortCircuit: true, source };
}`;

/** What runs in a process of its own: by file, [start, end, whether in no other function] of what is called, in file order. */
async function findCalled(entry) {
  register(`data:text/javascript,${encodeURIComponent(WASM_MODULES)}`);
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
  const { detectSpec, matchWeights, memoryModel } = await import(entry);
  const a = memoryModel(network());
  await matchWeights(a, memoryModel(network()), await detectSpec(a));
  const { result } = await session.post("Profiler.takePreciseCoverage");
  return Object.fromEntries(
    result
      .filter(({ url }) => url.startsWith(new URL(".", entry).href) && url.endsWith(".js"))
      .map(({ url, functions }) => [
        fileURLToPath(url),
        calledRanges(readFileSync(fileURLToPath(url), "utf8"), functions),
      ]),
  );
}

function calledRanges(text, functions) {
  const ranges = functions.map(({ ranges: [{ startOffset, endOffset, count }] }) => {
    const start = text.slice(0, startOffset).endsWith("async ") ? startOffset - "async ".length : startOffset;
    return { start, end: endOffset, count };
  });
  // The first one is the file.
  const all = ranges.filter(({ start, end }) => end - start < text.length);
  const isInside = (inner, outer) => outer !== inner && outer.start <= inner.start && inner.end <= outer.end;
  return all
    .filter(({ count }) => count > 0)
    .map((range) => [range.start, range.end, !all.some((outer) => isInside(range, outer))]);
}

/** The smallest network that has hidden units: nearly all that is called for it is called for any other. */
function network() {
  const tensor = (...shape) => {
    const values = Float32Array.from({ length: shape.reduce((product, size) => product * size) }, (_, i) =>
      Math.sin(i),
    );
    return { dtype: "F32", shape, data: new Uint8Array(values.buffer) };
  };
  const [first, second] = [tensor(4, 3), tensor(2, 4)];
  return new Map(Object.entries({ "0.weight": first, "0.bias": tensor(4), "1.weight": second, "1.bias": tensor(2) }));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(JSON.stringify(await findCalled(process.argv[2])));
