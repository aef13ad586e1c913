/** What a command is: data for one parser and one help page, and a function that runs it. */

import type { OnProgress } from "../base/progress.ts";

/** Under which heading the help lists an option; without one, under "Options". */
export type OptionGroup = "output" | "input" | "matching" | "images" | "repair" | "search";

/** One option of a command line. `value` is shown in the help, and its absence makes a flag. */
export interface OptionRule {
  readonly value?: string | undefined;
  readonly short?: string | undefined;
  readonly help: string;
  /** Allowed values, where the list is closed. */
  readonly choices?: readonly string[] | undefined;
  readonly default?: string | undefined;
  readonly group?: OptionGroup | undefined;
}

/** Options that stand under one heading. */
export function inGroup(
  group: OptionGroup,
  options: Readonly<Record<string, OptionRule>>,
): Readonly<Record<string, OptionRule>> {
  return Object.fromEntries(Object.entries(options).map(([name, rule]) => [name, { ...rule, group }]));
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  /** Names of the positional arguments, all required. */
  readonly positionals: readonly string[];
  /** What any number of further positional arguments are called; without it there may be none. */
  readonly further?: string | undefined;
  readonly options: Readonly<Record<string, OptionRule>>;
  /** Options that must be given. */
  readonly required?: readonly string[] | undefined;
  readonly examples: readonly string[];
  run(context: CommandContext): Promise<CommandResult>;
}

/** What a command gets: parsed words, and the ways to be stopped and to be watched. */
export interface CommandContext {
  /** The command's name. */
  readonly command: string;
  readonly positionals: readonly string[];
  /** Values of options that take one, as given or defaulted. */
  readonly values: ReadonlyMap<string, string>;
  readonly flags: ReadonlySet<string>;
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
  /** Says one line on stderr, at once and also with `--json`: for what is no result. */
  readonly say: (line: string) => void;
  /** The next part of stdin; undefined behind the last. */
  readonly nextOfStdin: () => Promise<Uint8Array | undefined>;
  /** A path for a temporary file, of which stdout gets the bytes when the command has succeeded; text goes to stderr then. */
  readonly stdoutFile: () => string;
}

/** What a command has to say: one object for `--json`, lines for people, and the exit code (default 0). */
export interface CommandResult {
  readonly json: unknown;
  readonly text: string;
  readonly exitCode?: number | undefined;
}

/** The command line itself is wrong: exit code 2, and a hint at `--help`. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Options that every command has. */
export const COMMON_OPTIONS: Readonly<Record<string, OptionRule>> = {
  json: { help: "print one JSON object on stdout, also on failure" },
  help: { short: "h", help: "show this help" },
};

/** The positional arguments as usage lines write them: `A B [C ...]`. */
export function positionalsOf({ positionals, further }: Pick<Command, "positionals" | "further">): string[] {
  return further === undefined ? [...positionals] : [...positionals, `[${further} ...]`];
}

/** The value of `option` as a number within bounds; throws `UsageError`. */
export function numberOption(
  context: CommandContext,
  option: string,
  bounds: { min: number; max: number; integer: boolean },
): number | undefined {
  const text = context.values.get(option);
  if (text === undefined) return undefined;
  const value = text.trim() === "" ? Number.NaN : Number(text);
  const fits = value >= bounds.min && value <= bounds.max && (!bounds.integer || Number.isSafeInteger(value));
  if (fits) return value;
  const range = bounds.max === Number.MAX_SAFE_INTEGER ? `from ${bounds.min}` : `from ${bounds.min} to ${bounds.max}`;
  throw new UsageError(`--${option} ${text}, expected ${bounds.integer ? "an integer" : "a number"} ${range}`);
}
