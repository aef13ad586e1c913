/** Command-line words → the context of a command, by node:util's parseArgs and the command's own table. */

import { parseArgs } from "node:util";
import { COMMON_OPTIONS, type Command, type OptionRule, positionalsOf, UsageError } from "./command.ts";
import { counted } from "./counted.ts";
import { nearest } from "./suggest.ts";

export interface ParsedWords {
  readonly positionals: readonly string[];
  readonly values: ReadonlyMap<string, string>;
  readonly flags: ReadonlySet<string>;
}

/** Throws `UsageError` for unknown options, missing values, values outside `choices`, and a wrong number of words. */
export function parseWords(command: Command, words: readonly string[]): ParsedWords {
  const rules: Record<string, OptionRule> = { ...command.options, ...COMMON_OPTIONS };
  const parsed = parse(words, rules);
  const values = new Map<string, string>();
  const flags = new Set<string>();
  for (const [name, rule] of Object.entries(rules)) {
    const given = parsed.values[name] ?? rule.default;
    if (typeof given === "string") values.set(name, given);
    else if (given === true) flags.add(name);
    if (rule.choices !== undefined && typeof given === "string" && !rule.choices.includes(given)) {
      throw new UsageError(`--${name} ${given}, expected one of ${rule.choices.join(", ")}`);
    }
  }
  // Help is given whatever else is missing.
  if (!flags.has("help")) checkWords(command, parsed.positionals, values);
  return { positionals: parsed.positionals, values, flags };
}

function parse(words: readonly string[], rules: Readonly<Record<string, OptionRule>>) {
  const options = Object.fromEntries(
    Object.entries(rules).map(([name, { value, short }]) => [
      name,
      {
        type: value === undefined ? ("boolean" as const) : ("string" as const),
        ...(short === undefined ? {} : { short }),
      },
    ]),
  );
  try {
    return parseArgs({ args: [...words], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(oneLine((error as Error).message) + meant((error as Error).message, Object.keys(rules)));
  }
}

/** What parseArgs says, without its advice; for a value that begins with a dash it takes three lines, where one will do. */
function oneLine(message: string): string {
  const dashed = /use '(--[\w-]+)=-XYZ'/.exec(message)?.[1];
  if (dashed !== undefined)
    return `${dashed} is followed by an option, expected a value (one that begins with a dash: ${dashed}=-1)`;
  return message.split(". ")[0]!;
}

/** ", did you mean --lambda?", where an option is unknown and one is near. */
function meant(message: string, known: readonly string[]): string {
  const word = /^Unknown option '--?([^'=]+)'/.exec(message)?.[1];
  const found = word === undefined ? undefined : nearest(word, known);
  return found === undefined ? "" : `, did you mean --${found}?`;
}

function checkWords(command: Command, positionals: readonly string[], values: ReadonlyMap<string, string>): void {
  const expected = positionalsOf(command).join(" ") || "nothing";
  const { length } = command.positionals;
  if (positionals.length < length || (positionals.length > length && command.further === undefined)) {
    const atLeast = command.further === undefined ? "" : "at least ";
    throw new UsageError(
      `${command.name} got ${counted(positionals.length, "argument")}, expected ${atLeast}${length}: ${expected}`,
    );
  }
  for (const name of command.required ?? []) {
    if (!values.has(name))
      throw new UsageError(`${command.name} has no --${name}, expected --${name} ${command.options[name]!.value}`);
  }
}
