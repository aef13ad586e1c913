// Checks that files have at most 300 lines and functions of src/ and app/ at most 40, from the head to the closing brace.
// Reads code as Biome formats it: a function ends at the first `}` that is indented as its head is.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const [MOST_LINES, LONGEST] = [300, 40];

/** What is longer, and why: functions as `file name`. */
const LONGER = new Map([
  [
    "src/cli/main.ts runInWorker",
    "one conversation with a thread: every event of it may end it, and all share its state",
  ],
  [
    "src/match/match-weights.ts matchWeights",
    "one try from the kernels' memory to the report: all of it needs what was opened before",
  ],
  [
    "src/repair/least-squares/normal-equations.ts solveGroup",
    "one derivation in memory that it alone may use: its parts would hand ten pointers on",
  ],
]);
/** Conditional spreads `...(x === undefined ? {} : { x })` in src/ and app/: optional properties are declared `| undefined`. */
const MOST_SPREADS = 5;

const HEAD =
  /^(\s*)(?:export )?(?:default )?(?:async )?(?:function\*? ?(\w+)|(?:const|let) (\w+)(?:: [^=]+)? = (?:async )?\(|(?:async )?\*?(\w+)\(|(?:async )?(\w+): (?:async )?\()/;
const NOT_NAMES = new Set(["if", "for", "while", "switch", "catch", "return", "await", "super"]);

/** Functions of formatted code: name, first line (from 1) and length in lines. */
export function functionsOf(text) {
  const lines = text.split("\n");
  const found = [];
  lines.forEach((line, at) => {
    const head = HEAD.exec(line);
    const name = head?.slice(2).find((each) => each !== undefined);
    if (name === undefined || NOT_NAMES.has(name)) return;
    const opens = bodyStart(lines, at, head[1]);
    if (opens < 0) return;
    const end = lines.findIndex((other, i) => i > opens && other.startsWith(`${head[1]}}`));
    if (end > 0) found.push({ name, line: at + 1, length: end - at + 1 });
  });
  return found;
}

/** The line on which the body opens: the head's own, or, of parameters in lines of their own, the one that closes them. */
function bodyStart(lines, at, indent) {
  if (/(?:\)|=>|\w|[>\]}]) \{$/.test(lines[at]) && !/[,(]$/.test(lines[at])) return at;
  if (!/[({]$/.test(lines[at])) return -1;
  const close = lines.findIndex(
    (line, i) => i > at && line.startsWith(indent) && !/^\s/.test(line.slice(indent.length)),
  );
  return close > 0 && /^\s*(?:\)|\}).*\{$/.test(lines[close]) ? close : -1;
}

/** Faults of the project, one line each. */
function faults() {
  const tracked = execFileSync("git", ["ls-files", "src", "app", "assembly", "scripts", "test", "examples"], {
    cwd: root,
    encoding: "utf8",
  });
  const files = tracked.split("\n").filter((file) => /\.(?:ts|mts|mjs|css|html|py)$/.test(file));
  const texts = new Map(files.map((file) => [file, readFileSync(`${root}/${file}`, "utf8")]));
  const list = [];
  const spreads = [];
  for (const [file, text] of texts) {
    const count = text.split("\n").length - 1;
    if (count > MOST_LINES && !LONGER.has(file))
      list.push(`${file} has ${count} lines, expected at most ${MOST_LINES}`);
    if (!/^(?:src|app)\//.test(file)) continue;
    for (const { name, line, length } of functionsOf(text))
      if (length > LONGEST && !LONGER.has(`${file} ${name}`))
        list.push(`${file}:${line} ${name} has ${length} lines, expected at most ${LONGEST}`);
    text.split("\n").forEach((line, at) => {
      if (/\.\.\.\(.*(?:\? \{\} : \{|: \{\}\))/.test(line)) spreads.push(`${file}:${at + 1}`);
    });
  }
  if (spreads.length > MOST_SPREADS)
    list.push(`${spreads.join(" ")} spread conditionally, expected at most ${MOST_SPREADS} such places`);
  return { files: files.length, list };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { files, list } = faults();
  for (const fault of list) console.error(fault);
  console.log(`${files} files, ${list.length} faults of length`);
  process.exitCode = list.length > 0 || files === 0 ? 1 : 0;
}
