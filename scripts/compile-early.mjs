// Makes V8 compile early what every matching runs. It reads the inside of a function twice: quickly where the function
// stands, and again when it is first called. A function in parentheses is compiled at the first reading
// (https://v8.dev/blog/preparser#pife), so those that a first match calls are put in parentheses. Bundlers take these off
// again; Node, Deno and pages that load dist/ as it is start sooner.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { fileURLToPath, pathToFileURL } from "node:url";

/**
 * Rewrites what the entry at the path `index` loads, and the source maps beside it. The functions move to the front of
 * their files, as others may name them there: what is a declaration can be named before it is reached, an expression cannot.
 */
export async function compileEarly(index) {
  const { default: MagicString } = await import("magic-string");
  const { default: remapping } = await import("@jridgewell/remapping");
  const words = [fileURLToPath(import.meta.url), pathToFileURL(index).href];
  const called = JSON.parse(execFileSync(process.execPath, words, { encoding: "utf8" }));
  for (const [file, functions] of Object.entries(called)) {
    const text = readFileSync(file, "utf8");
    const edited = new MagicString(text);
    for (const [start, end] of functions) {
      const { name } = DECLARATION.exec(text.slice(start, end)).groups;
      edited.appendRight(start, `var ${name}=(`).appendLeft(end, ");");
      if (start > 0) edited.move(start, end, 0);
    }
    const edit = edited.generateMap({ hires: "boundary", source: file });
    const map = remapping([edit, readFileSync(`${file}.map`, "utf8")], () => null);
    writeFileSync(file, edited.toString());
    writeFileSync(`${file}.map`, map.toString());
  }
}

const DECLARATION = /^(?:async )?function (?<name>[\w$]+)\(/;

/** What runs in a process of its own: by file, [start, end) of the functions that are called, in file order. */
async function findCalled(entry) {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
  const counts = async () => (await session.post("Profiler.takePreciseCoverage")).result;
  const { detectSpec, matchWeights, memoryModel } = await import(entry);
  const atImport = await counts();
  const a = memoryModel(network());
  await matchWeights(a, memoryModel(network()), detectSpec(a));
  return Object.fromEntries(
    (await counts()).flatMap(({ url, functions }) => {
      if (!url.startsWith(new URL(".", entry).href)) return [];
      const before = atImport.find((script) => script.url === url)?.functions ?? [];
      const text = readFileSync(fileURLToPath(url), "utf8");
      return [[fileURLToPath(url), declarations(text, functions, before)]];
    }),
  );
}

/** Declarations at the top of a file that `functions` counts calls of, and `before` none. */
function declarations(text, functions, before) {
  const range = ({ ranges: [{ startOffset, endOffset }] }) => {
    const start = text.slice(0, startOffset).endsWith("async ") ? startOffset - "async ".length : startOffset;
    return [start, endOffset];
  };
  const called = (list) => list.filter(({ ranges }) => ranges[0].count > 0).map(range);
  const all = [...functions, ...before].map(range).filter(([start, end]) => end - start < text.length);
  const early = new Set(called(before).map(String));
  return called(functions).filter(
    ([start, end]) =>
      DECLARATION.test(text.slice(start, end)) &&
      // After a statement, or it would be an expression; and in no other function.
      /(?:^|[;}\n])$/.test(text.slice(0, start)) &&
      !all.some(([from, to]) => from <= start && end <= to && to - from > end - start) &&
      !early.has(String([start, end])),
  );
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
