/** One command line: picks the command, runs it, and returns what to print and the exit code. */

import { tmpdir } from "node:os";
import { VERSION } from "../base/version.ts";
import { visible } from "../base/visible.ts";
import { holdOutputs } from "../node/held-outputs.ts";
import { newTemporary } from "../node/temporaries.ts";
import type { CommandContext, CommandResult } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { checkDashes } from "./dash.ts";
import { EXIT, type Outcome } from "./exit.ts";
import { commandHelp, mainHelp } from "./help.ts";
import { UsageError } from "./option.ts";
import { parseWords } from "./parse.ts";
import { nearest } from "./suggest.ts";

/** The ways in which the caller watches a line and stops it. */
export type Ways = Pick<CommandContext, "signal" | "onProgress" | "say" | "nextOfStdin">;

/** Runs one command line to its end; never rejects. Several outputs appear together, when all is done. */
export async function runLine(words: readonly string[], ways: Ways): Promise<Outcome> {
  const isHelp = words[0] === "help" && COMMANDS.some((command) => command.name === words[1]);
  const [name, ...rest] = isHelp ? [words[1]!, "--help", ...words.slice(2)] : words;
  if (name === undefined || name === "--help" || name === "-h" || name === "help")
    return { code: name === undefined ? EXIT.usage : EXIT.done, stdout: mainHelp(COMMANDS), stderr: "" };
  if (name === "--version") return { code: EXIT.done, stdout: VERSION, stderr: "" };
  const json = rest.includes("--json") || name === "--json";
  const outputs = holdOutputs();
  const say = (line: string): void => ways.say(visible(line));
  let file: string | undefined;
  const stdoutFile = (): string => (file ??= newTemporary(tmpdir()));
  try {
    const result = await runCommand(name, rest, { ...ways, say, stdoutFile });
    await outputs.commit();
    const text = json ? jsonLine(result.json) : visibleLines(result.text);
    const code = result.exitCode ?? EXIT.done;
    return file === undefined ? { code, stdout: text, stderr: "" } : { code, file, stdout: "", stderr: text };
  } catch (error) {
    await outputs.abort();
    return failure(error, name, json, ways.signal);
  }
}

/** Runs a line without stdin and stdout, as a job does; resolves to both of its reports. Rejects as the command does. */
export async function runJobLine([name = "", ...words]: readonly string[], ways: Ways): Promise<CommandResult> {
  const outputs = holdOutputs();
  try {
    const stdoutFile = (): string => newTemporary(tmpdir());
    const result = await runCommand(name, words, { ...ways, stdoutFile });
    await outputs.commit();
    return { ...result, text: visibleLines(result.text) };
  } catch (error) {
    await outputs.abort();
    throw error;
  }
}

async function runCommand(
  name: string,
  words: readonly string[],
  ways: Ways & Pick<CommandContext, "stdoutFile">,
): Promise<CommandResult> {
  const entry = COMMANDS.find((candidate) => candidate.name === name);
  if (entry === undefined) {
    const names = COMMANDS.map((known) => known.name);
    const near = nearest(name, names);
    const meant = near === undefined ? "" : ` (did you mean ${near}?)`;
    throw new UsageError(`command ${name}, expected one of ${names.join(", ")}${meant}`);
  }
  const command = await entry.load();
  const parsed = parseWords(name, command, words);
  if (typeof parsed === "string") return helpResult(commandHelp(entry, command, { all: parsed === "all" }));
  checkDashes(command, parsed, words.includes("--json"));
  return command.run({ command: name, ...parsed, ...ways });
}

const helpResult = (help: string): CommandResult => ({ json: { help }, text: help });

/** What messages of the library call its options and a plan's keys, as the command line calls them. */
const OPTIONS_OF: readonly (readonly [string, string])[] = [
  ["(or force: true)", "(or --force)"],
  [
    "(data.inputSize, data.scale; repair.allowGuessing repairs all the same)",
    "(--input-size, --scale; --force-repair repairs all the same)",
  ],
];

function inOptions(message: string): string {
  return OPTIONS_OF.reduce((text, [words, options]) => text.replace(words, options), message);
}

/** JSON on one line, with every character of its strings escaped that a terminal would act on. */
const jsonLine = (value: unknown): string => visible(JSON.stringify(value));

/** Names in it are visible already; this is for those that were forgotten. */
const visibleLines = (text: string): string => text.split("\n").map(visible).join("\n");

function failure(error: unknown, command: string, json: boolean, signal: AbortSignal): Outcome {
  const type = error instanceof Error ? error.name : "Error";
  // The library speaks of its options, the command line of its own.
  const said = error instanceof Error ? error.message : String(error);
  const message = inOptions(said);
  const isUsage = error instanceof UsageError;
  const code = isUsage ? EXIT.usage : signal.aborted ? EXIT.interrupted : EXIT.failed;
  if (json) return { code, stdout: jsonLine({ error: { type, message } }), stderr: "" };
  const lines = [`rebasin: ${visible(message)}`];
  const known = COMMANDS.some(({ name }) => name === command);
  if (isUsage) lines.push(`Try: rebasin ${known ? `${command} ` : ""}--help`);
  return { code, stdout: "", stderr: lines.join("\n") };
}
