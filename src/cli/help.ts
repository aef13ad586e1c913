/** Help pages, written from the tables of the commands. */

import { COMMON_OPTIONS, type Command, type OptionRule, positionalsOf } from "./command.ts";

const WIDTH = 100;

/** The page of `rebasin --help`. */
export function mainHelp(commands: readonly Command[]): string {
  const widest = Math.max(...commands.map(({ name }) => name.length));
  return [
    "rebasin: align the hidden units of two neural networks and merge them (Git Re-Basin)",
    "",
    "Usage: rebasin COMMAND [ARGUMENTS] [OPTIONS]",
    "",
    "Commands:",
    ...commands.map(({ name, summary }) => `  ${name.padEnd(widest)}  ${summary}`),
    "",
    "Options:",
    "  -h, --help     show this help, or that of a command: rebasin merge --help",
    "      --version  print the version",
    "",
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted",
  ].join("\n");
}

/** The page of `rebasin COMMAND --help`. */
export function commandHelp(command: Command): string {
  const usage = [`rebasin ${command.name}`, ...positionalsOf(command)];
  for (const name of command.required ?? [])
    usage.push(`${flagName(name, command.options[name]!)} ${command.options[name]!.value}`);
  const rules = Object.entries({ ...command.options, ...COMMON_OPTIONS });
  return [
    command.summary,
    "",
    `Usage: ${usage.join(" ")} [OPTIONS]`,
    "",
    "Options:",
    ...optionLines(rules),
    "",
    "Examples:",
    ...command.examples.map((line) => `  ${line}`),
  ].join("\n");
}

const flagName = (name: string, { short }: OptionRule): string => (short === undefined ? `--${name}` : `-${short}`);

function optionLines(rules: readonly (readonly [string, OptionRule])[]): string[] {
  const labels = rules.map(
    ([name, { short, value }]) =>
      `${short === undefined ? "    " : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`,
  );
  const widest = Math.max(...labels.map((label) => label.length));
  return rules.flatMap(([, rule], at) => {
    const notes = [
      rule.choices?.join(" | "),
      rule.default === undefined ? undefined : `default ${rule.default}`,
    ].filter((note) => note !== undefined);
    const text = notes.length === 0 ? rule.help : `${rule.help} (${notes.join("; ")})`;
    return wrap(text, WIDTH - widest - 4).map(
      (line, row) => `  ${(row === 0 ? labels[at]! : "").padEnd(widest)}  ${line}`,
    );
  });
}

function wrap(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1)!;
    if (line === "") lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
