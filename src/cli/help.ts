/** Help pages, written from the tables of the commands and as wide as the terminal. */

import { COMMON_OPTIONS, type Command, positionalsOf } from "./command.ts";
import type { CommandEntry } from "./commands.ts";
import { type Option, type OptionGroup, written } from "./option.ts";
import { useText } from "./restrictions.ts";

/** Without a terminal; no wider on one, and no narrower. */
const [USUAL, WIDEST, NARROWEST] = [80, 110, 40];

/** Examples of a page of common options. */
const SHORT_EXAMPLES = 3;

/** Headings in their order; options without a group come first. */
const GROUPS: readonly (readonly [OptionGroup | undefined, string])[] = [
  [undefined, "Options"],
  ["output", "Output"],
  ["input", "Input"],
  ["matching", "Matching"],
  ["blending", "Blending"],
  ["images", "With images"],
  ["repair", "Repair"],
];

/** Columns of the terminal that stdout is, from COLUMNS or from the terminal. */
function terminalWidth(): number {
  const said = Number(process.env.COLUMNS);
  const columns = Number.isSafeInteger(said) && said > 0 ? said : process.stdout.columns;
  return columns > 0 ? Math.min(Math.max(columns, NARROWEST), WIDEST) : USUAL;
}

/** The page of `rebasin --help`. */
export function mainHelp(
  commands: readonly Pick<CommandEntry, "name" | "summary">[],
  width: number = terminalWidth(),
): string {
  return [
    ...wrap("rebasin: align the hidden units of two neural networks and merge them (Git Re-Basin)", width),
    "",
    ...wrap("Usage: rebasin COMMAND [ARGUMENTS] [OPTIONS]", width),
    "",
    "Commands:",
    ...columns(
      commands.map(({ name, summary }) => [name, summary]),
      width,
    ),
    "",
    "Options:",
    ...columns(
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

/** How a page is written. */
interface PageOptions {
  /** Characters of a line. Default: those of the terminal. */
  readonly width?: number | undefined;
  /** With the options that are not common. */
  readonly all?: boolean | undefined;
}

/** The page of `rebasin COMMAND --help`: of commands with many options, the common ones, and how to see all. */
export function commandHelp(
  { name: called, summary }: Pick<CommandEntry, "name" | "summary">,
  command: Command,
  { width = terminalWidth(), all = false }: PageOptions = {},
): string {
  const usage = [`rebasin ${called}`, ...positionalsOf(command)];
  const table: Readonly<Record<string, Option>> = { ...command.options, ...COMMON_OPTIONS };
  const { common } = command;
  const isShown = ([name, rule]: readonly [string, Option]): boolean =>
    all || common === undefined || rule.required === true || name in COMMON_OPTIONS || common.includes(name);
  const rules = Object.entries(table).filter(isShown);
  const left = Object.keys(table).length - rules.length;
  const examples = left === 0 ? command.examples : command.examples.slice(0, SHORT_EXAMPLES);
  for (const [name, rule] of rules) if (rule.required === true) usage.push(usageOf(name, rule));
  const column = Math.max(...rules.map(([name, rule]) => labelOf(name, rule).length));
  return [
    ...wrap(summary, width),
    "",
    ...wrap(`Usage: ${usage.join(" ")} [OPTIONS]`, width),
    ...GROUPS.flatMap(([group, heading]) => {
      const own = rules.filter(([, rule]) => rule.group === group);
      return own.length === 0 ? [] : ["", `${heading}:`, ...columns(own.map(optionRow(table)), width, column)];
    }),
    ...(left === 0 ? [] : ["", ...wrap(`${left} more options: rebasin ${called} --help --all`, width)]),
    "",
    "Examples:",
    ...examples.flatMap((line) => commandLines(line, width)),
  ].join("\n");
}

/** As short as it can be written. */
const usageOf = (name: string, { short, value }: Option): string =>
  short === undefined ? written(name, { value }) : `-${short} ${value}`;

const labelOf = (name: string, { short, value }: Option): string =>
  `${short === undefined ? "    " : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`;

const optionRow =
  (rules: Readonly<Record<string, Option>>) =>
  ([name, rule]: readonly [string, Option]): [string, string] => {
    const { choices, for: others, default: byDefault = rule.defaultText } = rule;
    const notes = [
      others === undefined ? undefined : useText(others, rules),
      choices?.join(" | "),
      byDefault === undefined ? undefined : `default ${byDefault}`,
    ].filter((note) => note !== undefined);
    return [labelOf(name, rule), notes.length === 0 ? rule.help : `${rule.help} (${notes.join("; ")})`];
  };

/** Texts beside their labels; below them where too little room is left. */
function columns(rows: readonly (readonly [string, string])[], width: number, column = 0): string[] {
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
