/** Command-line words → the context of a command, by node:util's parseArgs and the command's own table. */

import { parseArgs } from "node:util";
import { ALL_OPTION, COMMON_OPTIONS, type Command, type CommandContext, positionalsOf } from "./command.ts";
import { counted } from "./counted.ts";
import { type Option, UsageError } from "./option.ts";
import { checkRestrictions } from "./restrictions.ts";
import { nearest } from "./suggest.ts";

type Rules = Readonly<Record<string, Option>>;

/** The content of a command line. */
export type ParsedWords<V> = Pick<CommandContext<V>, "positionals" | "options" | "texts">;

/**
 * Where help is asked for, even if something is missing, `"help"`, or `"all"` for help on all options.
 * Throws `UsageError` for unknown options, missing values, values outside their rule, options that do not go together,
 * and a wrong number of words.
 */
export function parseWords<V>(
  name: string,
  command: Command<V>,
  words: readonly string[],
): ParsedWords<V> | "help" | "all" {
  const isHelp = words.includes("--help") || words.includes("-h");
  const own: Rules = { ...command.options, ...COMMON_OPTIONS };
  const rules: Rules = isHelp ? { all: ALL_OPTION, ...own } : own;
  const { positionals, values } = parse(words, rules);
  const given = new Map<string, string>();
  for (const [option, rule] of Object.entries(rules)) {
    const value = values[option] ?? rule.default;
    // A flag has no text of its own.
    if (value !== undefined) given.set(option, value === true ? "" : [value].flat().join("\n"));
  }
  if (given.has("help")) return given.has("all") ? "all" : "help";
  checkCount(name, command, positionals);
  const options = valuesOf(command.options, given);
  checkRestrictions(rules, given);
  const texts = new Map([...given].filter(([option]) => rules[option]!.value !== undefined));
  return { positionals, options, texts };
}

/** Each value by its rule. */
function valuesOf<V>(rules: { readonly [K in keyof V]: Option<V[K]> }, given: ReadonlyMap<string, string>): V {
  const values: Partial<V> = {};
  for (const name in rules) values[name] = rules[name].read(given.get(name), name);
  return values as V;
}

function parse(words: readonly string[], rules: Rules) {
  const options = Object.fromEntries(
    Object.entries(rules).map(([name, { value, short, isRepeated = false }]) => [
      name,
      {
        multiple: isRepeated,
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

/**
 * The message of parseArgs, without its advice; for a value that begins with a dash it takes three lines, where one
 * will do.
 */
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

function checkCount(
  name: string,
  command: Pick<Command, "positionals" | "further">,
  positionals: readonly string[],
): void {
  const expected = positionalsOf(command).join(" ") || "nothing";
  const { length } = command.positionals;
  if (positionals.length >= length && (positionals.length === length || command.further !== undefined)) return;
  const atLeast = command.further === undefined ? "" : "at least ";
  throw new UsageError(
    `${name} got ${counted(positionals.length, "argument")}, expected ${atLeast}${length}: ${expected}`,
  );
}
