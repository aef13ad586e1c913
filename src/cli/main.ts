#!/usr/bin/env node
/** `rebasin`: picks the command, runs it, prints what it says, and leaves with its exit code. */

import { VERSION } from "../base/version.ts";
import { visible } from "../base/visible.ts";
import { type Command, type CommandContext, type CommandResult, UsageError } from "./command.ts";
import { apply } from "./commands/apply.ts";
import { compare } from "./commands/compare.ts";
import { contour } from "./commands/contour.ts";
import { convert } from "./commands/convert.ts";
import { curve } from "./commands/curve.ts";
import { inspect } from "./commands/inspect.ts";
import { many } from "./commands/many.ts";
import { match } from "./commands/match.ts";
import { merge } from "./commands/merge.ts";
import { commandHelp, mainHelp } from "./help.ts";
import { parseWords } from "./parse.ts";
import { createProgressBar } from "./progress-bar.ts";

const COMMANDS: readonly Command[] = [merge, many, match, apply, inspect, compare, convert, curve, contour];

/** Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted (128 + SIGINT). */
const FAILED = 1;
const USAGE = 2;
const INTERRUPTED = 130;

/** Runs one command line; resolves to the exit code. Results go to stdout, everything else to stderr. */
async function main(words: readonly string[]): Promise<number> {
  const [name, ...rest] = words;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    await print(process.stdout, mainHelp(COMMANDS));
    return name === undefined ? USAGE : 0;
  }
  if (name === "--version") {
    await print(process.stdout, VERSION);
    return 0;
  }
  const interrupt = new AbortController();
  const onSignal = (): void => interrupt.abort(new DOMException("interrupted", "AbortError"));
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  const json = rest.includes("--json") || name === "--json";
  const bar = createProgressBar(process.stderr, json);
  try {
    const say = (line: string): void => {
      bar.clear();
      process.stderr.write(`${visible(line)}\n`);
    };
    const result = await runCommand(name, rest, { signal: interrupt.signal, onProgress: bar.onProgress, say });
    bar.clear();
    await print(process.stdout, json ? jsonLine(result.json) : visibleLines(result.text));
    return result.exitCode ?? 0;
  } catch (error) {
    bar.clear();
    return await reportFailure(error, name, json, interrupt.signal);
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}

async function runCommand(
  name: string,
  words: readonly string[],
  ways: Pick<CommandContext, "signal" | "onProgress" | "say">,
): Promise<CommandResult> {
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command === undefined) {
    throw new UsageError(`command ${name}, expected one of ${COMMANDS.map((known) => known.name).join(", ")}`);
  }
  const parsed = parseWords(command, words);
  if (parsed.flags.has("help")) return { json: { help: commandHelp(command) }, text: commandHelp(command) };
  return command.run({ command: name, ...parsed, ...ways });
}

/** JSON on one line, with every character of its strings escaped that a terminal would act on. */
const jsonLine = (value: unknown): string => visible(JSON.stringify(value));

/** Names in it are visible already; this is for those that were forgotten. */
const visibleLines = (text: string): string => text.split("\n").map(visible).join("\n");

async function reportFailure(error: unknown, command: string, json: boolean, signal: AbortSignal): Promise<number> {
  const type = error instanceof Error ? error.name : "Error";
  const message = error instanceof Error ? error.message : String(error);
  if (json) await print(process.stdout, jsonLine({ error: { type, message } }));
  else await print(process.stderr, `rebasin: ${visible(message)}`);
  if (error instanceof UsageError) {
    if (!json)
      await print(
        process.stderr,
        `Try: rebasin ${COMMANDS.some(({ name }) => name === command) ? `${command} ` : ""}--help`,
      );
    return USAGE;
  }
  return signal.aborted ? INTERRUPTED : FAILED;
}

/** Resolves when the text is handed over: leaving before that would cut a pipe short. */
function print(stream: NodeJS.WriteStream, text: string): Promise<void> {
  return new Promise((resolve) => {
    stream.write(`${text}\n`, () => resolve());
  });
}

// A reader that closes the pipe early (head, a pager) is no failure of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

process.exitCode = await main(process.argv.slice(2));
