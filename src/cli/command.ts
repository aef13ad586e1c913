/** What a command is: data for one parser and one help page, and a function that runs it. */

import type { OnProgress } from "../base/progress.ts";
import { flag, type Option, type Options } from "./option.ts";

/** A command whose options have the values `V`; `commands.ts` has its name. */
export interface Command<V = object> {
  /** Names of the positional arguments, all required. */
  readonly positionals: readonly string[];
  /** What any number of further positional arguments are called; without it there may be none. */
  readonly further?: string | undefined;
  readonly options: Options<V>;
  /** Names of the options that the short help shows, where there are many; it shows required ones, too. */
  readonly common?: readonly string[] | undefined;
  readonly examples: readonly string[];
  run(context: CommandContext<V>): Promise<CommandResult>;
}

/** What a command gets: parsed words, and the ways to be stopped and to be watched. */
export interface CommandContext<V = object> {
  /** The command's name. */
  readonly command: string;
  readonly positionals: readonly string[];
  /** Values of all options, as their rules read them. */
  readonly options: V;
  /** The words of options that take a value, as given or by default: for reports on how something was made. */
  readonly texts: ReadonlyMap<string, string>;
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
  /** Prints one line on stderr, at once and also with `--json`: for messages that are no result. */
  readonly say: (line: string) => void;
  /** The next part of stdin; undefined behind the last. */
  readonly nextOfStdin: () => Promise<Uint8Array | undefined>;
  /**
   * A path for a temporary file, of which stdout gets the bytes when the command has succeeded; text goes to stderr
   * then.
   */
  readonly stdoutFile: () => string;
}

/** What a command returns: one object for `--json`, lines for people, and the exit code (default 0). */
export interface CommandResult {
  readonly json: unknown;
  readonly text: string;
  readonly exitCode?: number | undefined;
}

/** Values that every command has. */
export interface CommonValues {
  readonly json: boolean;
  readonly help: boolean;
}

/** Options that every command has. */
export const COMMON_OPTIONS: Options<CommonValues> = {
  json: flag({ help: "print one JSON object on stdout, also on failure" }),
  help: flag({ short: "h", help: "show this help" }),
};

/** `--all`, beside `--help`. */
export const ALL_OPTION: Option<boolean> = flag({ help: "with --help: show all options" });

/** The positional arguments as usage lines write them: `A B [C ...]`. */
export function positionalsOf({ positionals, further }: Pick<Command, "positionals" | "further">): string[] {
  return further === undefined ? [...positionals] : [...positionals, `[${further} ...]`];
}
