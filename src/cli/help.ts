/** Help pages, written from the tables of the commands and as wide as the terminal. */

import { COMMON_OPTIONS, type Command, type OptionGroup, type OptionRule, positionalsOf } from "./command.ts";

/** Without a terminal; no wider on one, and no narrower. */
const [USUAL, WIDEST, NARROWEST] = [80, 110, 40];

/** Headings in their order; options without a group come first. */
const GROUPS: readonly (readonly [OptionGroup | undefined, string])[] = [
  [undefined, "Options"],
  ["output", "Output"],
  ["input", "Input"],
  ["matching", "Matching"],
  ["images", "With images"],
  ["search", "With --method straight-through"],
  ["repair", "Repair"],
];

/** Columns of the terminal that stdout is: as COLUMNS says, or as it says itself. */
function terminalWidth(): number {
  const said = Number(process.env.COLUMNS);
  const columns = Number.isSafeInteger(said) && said > 0 ? said : process.stdout.columns;
  return columns > 0 ? Math.min(Math.max(columns, NARROWEST), WIDEST) : USUAL;
}

/** The page of `rebasin --help`. */
export function mainHelp(commands: readonly Command[], width: number = terminalWidth()): string {
  return [
    ...wrap("rebasin: align the hidden units of two neural networks and merge them (Git Re-Basin)", width),
    "",
    ...wrap("Usage: rebasin COMMAND [ARGUMENTS] [OPTIONS]", width),
    "",
    "Commands:",
    ...table(
      commands.map(({ name, summary }) => [name, summary]),
      width,
    ),
    "",
    "Options:",
    ...table(
      [
        ["-h, --help", "show this help, or that of a command: rebasin merge --help"],
        ["    --version", "print the version"],
      ],
      width,
    ),
    "",
    ...wrap("Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted", width),
  ].join("\n");
}

/** The page of `rebasin COMMAND --help`. */
export function commandHelp(command: Command, width: number = terminalWidth()): string {
  const usage = [`rebasin ${command.name}`, ...positionalsOf(command)];
  for (const name of command.required ?? [])
    usage.push(`${flagName(name, command.options[name]!)} ${command.options[name]!.value}`);
  const rules = Object.entries({ ...command.options, ...COMMON_OPTIONS });
  const column = Math.max(...rules.map(([name, rule]) => labelOf(name, rule).length));
  return [
    ...wrap(command.summary, width),
    "",
    ...wrap(`Usage: ${usage.join(" ")} [OPTIONS]`, width),
    ...GROUPS.flatMap(([group, heading]) => {
      const own = rules.filter(([, rule]) => rule.group === group);
      return own.length === 0 ? [] : ["", `${heading}:`, ...table(own.map(optionRow), width, column)];
    }),
    "",
    "Examples:",
    ...command.examples.flatMap((line) => commandLines(line, width)),
  ].join("\n");
}

const flagName = (name: string, { short }: OptionRule): string => (short === undefined ? `--${name}` : `-${short}`);

const labelOf = (name: string, { short, value }: OptionRule): string =>
  `${short === undefined ? "    " : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`;

function optionRow([name, rule]: readonly [string, OptionRule]): [string, string] {
  const notes = [rule.choices?.join(" | "), rule.default === undefined ? undefined : `default ${rule.default}`].filter(
    (note) => note !== undefined,
  );
  return [labelOf(name, rule), notes.length === 0 ? rule.help : `${rule.help} (${notes.join("; ")})`];
}

/** Texts beside their labels; below them where too little room is left. */
function table(rows: readonly (readonly [string, string])[], width: number, column = 0): string[] {
  const widest = Math.max(column, ...rows.map(([label]) => label.length));
  if (width - widest - 4 < 30)
    return rows.flatMap(([label, text]) => [
      `  ${label}`,
      ...wrap(text, width - 10).map((line) => `          ${line}`),
    ]);
  return rows.flatMap(([label, text]) =>
    wrap(text, width - widest - 4).map((line, row) => `  ${(row === 0 ? label : "").padEnd(widest)}  ${line}`),
  );
}

/** A command line to copy: broken as shells allow. */
function commandLines(line: string, width: number): string[] {
  const [first, ...rest] = wrapWords(
    line.split(/ (?=-)/).flatMap((part) => wrap(part, width - 6)),
    width - 6,
  );
  const lines = [`  ${first}`, ...rest.map((part) => `    ${part}`)];
  return lines.map((part, at) => (at < lines.length - 1 ? `${part} \\` : part));
}

const wrap = (text: string, width: number): string[] => wrapWords(text.split(" "), width);

/** Words stay whole. */
function wrapWords(words: readonly string[], width: number): string[] {
  const lines = [""];
  for (const word of words) {
    const line = lines.at(-1)!;
    if (line === "") lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
