// Holds what people read to the rule of CONTRIBUTING.md, "Prose": guides, docstrings, help texts and messages.
// Refuses: sentences of more than 30 words; worn phrases; prose lines of more than 120 columns; public docstrings that
// list errors in a sentence instead of `@throws {Class}` lines, one a class.
// An exception is a comment, `prose: why`, before the paragraph or as a line of the docstring.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const MOST_WORDS = 30;
const MOST_COLUMNS = 120;

/** Each with what to write instead. */
export const WORN = [
  [/\b(?:go|goes|going|gone|went) on\b/i, "continues, resumes"],
  [/\bgiv(?:e|es|ing) way\b/i, "yields"],
  [/\b(?:come|comes|came|coming) of\b/i, "results from"],
  [/\bha(?:s|ve) a say\b/i, "counts, decides"],
  [/\bfor nobody\b|\bnobody's business\b/i, "nobody needs it; ignored"],
  [/\bdear(?:er|est)?\b/i, "expensive, slow"],
  [/\banew\b/i, "again, from the start"],
  [/\bbesides\b/i, "also, too"],
  [/\bof (?:its|their|our|your|my|his|her) own\b/i, "own, separate"],
  [/\b(?:stand|stands|stood|standing)\b/i, "is, are, appears"],
  [/\b(?:lie|lies|lay|lying)\b/i, "is, are"],
  [/\b(?:say|says|said|saying)\b/i, "names, states, shows, sets"],
  [/\b(?:tell|tells|told|telling)\b/i, "shows, reports, gives"],
  [/\btak(?:e|es|en|ing) (?:it |them |this )?(?:as|for) (?:a|an|the|granted)\b/i, "treats as, assumes"],
  [/\bwhatever\b|\bwhoever\b/i, "any, every"],
  [/\bmade for strangers\b|\bin no hurry\b|\bas of always\b|\bin the order of always\b/i, "plain words"],
];

/** Blocks of a Markdown file: `{ line, text, lines }`; code and tables are left out. */
export function markdownBlocks(text) {
  const blocks = [];
  let block;
  let fence;
  let exempt = false;
  const end = () => {
    block = undefined;
  };
  for (const [i, raw] of text.split("\n").entries()) {
    const line = raw.trimEnd();
    const mark = /^\s*(```+|~~~+)/.exec(line)?.[1];
    if (fence !== undefined || mark !== undefined) {
      if (fence === undefined) fence = mark;
      else if (mark?.startsWith(fence)) fence = undefined;
      end();
      continue;
    }
    if (/^\s*<!-- prose: \S/.test(line)) exempt = true;
    if (/^\s*(\||<!--|<[a-z/]|\[[^\]]+\]: )/.test(line) || line.trim() === "") {
      if (line.trim() === "" && block !== undefined) exempt = false;
      end();
      continue;
    }
    const starts = /^\s*(?:[-*+] |\d+[.)] |#+ |> )/.exec(line);
    if (starts !== null) end();
    const content = line.slice(starts?.[0].length ?? 0).trim();
    if (block === undefined) {
      block = { line: i + 1, text: "", lines: [], exempt };
      blocks.push(block);
    }
    block.text += `${block.text === "" ? "" : " "}${content}`;
    block.lines.push([i + 1, line]);
    if (line.startsWith("#")) end();
  }
  return blocks;
}

/** Docstrings of a TypeScript file, a block for the text and one for each tag; examples are code. */
export function docBlocks(text) {
  const blocks = [];
  for (const found of text.matchAll(/^([ \t]*)\/\*\*([\s\S]*?)\*\//gm)) {
    const first = text.slice(0, found.index).split("\n").length;
    const exempt = /\bprose: \S/.test(found[2]);
    const after = text.slice(found.index + found[0].length).trimStart();
    let block;
    let isCode = false;
    for (const [i, raw] of found[2].split("\n").entries()) {
      const line = raw.replace(/^\s*\*? ?/, "").trimEnd();
      const tag = /^@(\w+)/.exec(line);
      if (/^\s*```/.test(line)) isCode = !isCode;
      else if (tag !== null) isCode = tag[1] === "example";
      if (line === "" || isCode || tag !== null || /^\s*(```|[-*] |\|)/.test(line)) block = undefined;
      if (line === "" || isCode || /^\s*(```|\|)/.test(line)) continue;
      const content = line
        .replace(/^@\w+(?: \{\w+\})?\s*/, "")
        .replace(/^[-*] /, "")
        .trim();
      if (block === undefined) {
        block = { line: first + i, text: "", lines: [], exempt, after, isTag: tag !== null };
        blocks.push(block);
      }
      block.text += `${block.text === "" ? "" : " "}${content}`;
      block.lines.push([first + i, `${raw}${i === 0 ? "/** " : ""}`]);
    }
  }
  return blocks;
}

const STRING = '"(?:[^"\\\\\\n]|\\\\.)*"|`(?:[^`\\\\]|\\\\.)*`';
const HELP = new RegExp(`\\b(?:help|summary|defaultText|expected)(?:: string)?(?: =|:)\\s*(${STRING})`, "g");
const MESSAGE = new RegExp(`\\bnew (?:\\w*Error|DOMException)\\(\\s*(${STRING})`, "g");

/** Help texts and messages of a TypeScript file. */
export function stringBlocks(text) {
  const blocks = [];
  for (const pattern of [HELP, MESSAGE]) {
    for (const found of text.matchAll(pattern)) {
      const line = text.slice(0, found.index).split("\n").length;
      const before = text.split("\n")[line - 2] ?? "";
      blocks.push({
        line,
        text: withoutHoles(found[1].slice(1, -1)),
        lines: [],
        exempt: /\/\/ prose: \S/.test(before),
      });
    }
  }
  return blocks;
}

/** `${…}`, nested ones too, as one word. */
function withoutHoles(template) {
  let text = "";
  let depth = 0;
  for (let i = 0; i < template.length; i++) {
    if (depth === 0 && template.startsWith("${", i)) {
      text += "X";
      depth = 1;
      i++;
    } else if (depth > 0) depth += template[i] === "{" ? 1 : template[i] === "}" ? -1 : 0;
    else text += template[i];
  }
  return text;
}

/** As it is read: code is a word, a link is its text. */
const plain = (text) =>
  text
    .replace(/`[^`]*`/g, "Code")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/\{@link ([^}]*)\}/g, "$1")
    .replace(/https?:\S+/g, "link")
    .replace(/\*\*|__/g, "");

export function sentencesOf(text) {
  return plain(text)
    .replace(/\b(e\.g|i\.e|vs|cf|etc|et al|Fig|Sec|No)\./g, "$1")
    .split(/(?<=[.!?]["')\]]*)\s+(?=["'([]*[\p{Lu}\d`…]|["“])/u)
    .filter((sentence) => sentence !== "");
}

const wordsOf = (sentence) => sentence.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word));

/** Links count by their text. */
const columnsOf = (line) => [...line.replace(/\]\([^)]*\)/g, "]").replace(/https?:\S+/g, "")].length;

function* faultsOf(file, { line, text, lines, exempt }) {
  if (exempt) return;
  for (const sentence of sentencesOf(text)) {
    const words = wordsOf(sentence);
    if (words.length > MOST_WORDS)
      yield `${file}:${line} a sentence of ${words.length} words, expected at most ${MOST_WORDS}: ${words.slice(0, 8).join(" ")} …`;
  }
  const read = plain(text);
  for (const [pattern, instead] of WORN) {
    const found = pattern.exec(read);
    if (found !== null)
      yield `${file}:${line} "${found[0]}", expected plainer words (${instead}): ${around(read, found)}`;
  }
  for (const [at, each] of lines)
    if (columnsOf(each) > MOST_COLUMNS)
      yield `${file}:${at} a line of ${columnsOf(each)} columns, expected at most ${MOST_COLUMNS}`;
}

const around = (text, { index, 0: match }) => text.slice(Math.max(0, index - 30), index + match.length + 30);

/** Errors that a public docstring lists in a sentence. */
function* throwsFaults(file, { line, text, exempt, after = "", isTag }, publicNames) {
  const name = /^export (?:async )?(?:function\*?|const|class) (\w+)/.exec(after)?.[1];
  if (exempt || isTag || !publicNames.has(name)) return;
  const found = /(?:[Tt]hrows?|[Rr]ejects?)(?: with)? (?:`\w*Error`|\w*Error\b)/.exec(text);
  if (found !== null)
    yield `${file}:${line} "${found[0]}" in the docstring of ${name}, expected a line \`@throws {Class} when\` for each class`;
}

function filesIn(root, folder, ending) {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .map((path) => `${folder}/${path.replaceAll("\\", "/")}`)
    .filter((path) => path.endsWith(ending) && !/node_modules|docs\/api\//.test(path))
    .sort();
}

/** All faults under `root`. */
export function* proseFaults(root) {
  const names = readFileSync(join(root, "test/node/public-names.txt"), "utf8");
  const publicNames = new Set(names.match(/\b\w+\b/g));
  for (const file of ["README.md", "CONTRIBUTING.md", ...filesIn(root, "docs", ".md")]) {
    const text = readFileSync(join(root, file), "utf8");
    for (const block of markdownBlocks(text)) yield* faultsOf(file, block);
  }
  for (const file of [...filesIn(root, "src", ".ts"), ...filesIn(root, "app", ".ts")]) {
    const text = readFileSync(join(root, file), "utf8");
    for (const block of docBlocks(text)) {
      yield* faultsOf(file, block);
      yield* throwsFaults(file, block, publicNames);
    }
    for (const block of stringBlocks(text)) yield* faultsOf(file, block);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const only = process.argv.slice(2);
  const faults = [...proseFaults(".")].filter(
    (fault) => only.length === 0 || only.some((path) => fault.startsWith(path)),
  );
  for (const fault of faults) console.error(fault);
  console.log(`prose, ${faults.length} faults`);
  process.exitCode = faults.length > 0 ? 1 : 0;
}
