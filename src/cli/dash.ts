/** `-` on the command line: stdin as one of the inputs, stdout as what `-o` writes. */

import { isatty } from "node:tty";
import type { ClosingModel } from "../base/closing-model.ts";
import { FormatError } from "../base/errors.ts";
import { openModel } from "../formats/open-model.ts";
import type { OpenOptions } from "../formats/open-options.ts";
import { openModelFile } from "../node/open-model.ts";
import type { Command, CommandContext } from "./command.ts";
import { UsageError } from "./option.ts";

/** Means stdin and stdout. */
export const DASH = "-";

/** Options that name what is written beside the model: always files. */
const FILES = ["permutations-out", "spec-out", "csv", "svg", "html", "checkpoint"];

/** Throws `UsageError` where `-` cannot be meant so: before any work. */
export function checkDashes(
  command: Command,
  { positionals, texts }: Pick<CommandContext, "positionals" | "texts">,
  isJson: boolean,
): void {
  const stray = FILES.find((option) => texts.get(option) === DASH);
  if (stray !== undefined)
    throw new UsageError(
      `--${stray} -, expected a file name: stdout is for ${"output" in command.options ? "-o" : "text"}`,
    );
  const at = command.positionals.indexOf("OUT");
  const inputs = [...positionals.filter((_, i) => i !== at), texts.get("permutations")];
  const count = inputs.filter((input) => input === DASH).length;
  if (count > 1) throw new UsageError(`- is given for ${count} inputs, expected one: there is one stdin`);
  if (count > 0 && isatty(0)) throw new UsageError("stdin is a terminal, expected a pipe or a file for -");
  if ((texts.get("output") ?? positionals[at]) === DASH) checkStdout(texts, isJson);
}

function checkStdout(texts: ReadonlyMap<string, string>, isJson: boolean): void {
  const what = "- as the output writes it to stdout";
  if (isJson) throw new UsageError(`${what}, expected no --json, which is for stdout, too`);
  if (texts.has("shard-size")) throw new UsageError(`${what}, expected no --shard-size, which makes a folder`);
  if (texts.get("repair") === "per-task")
    throw new UsageError(`${what}, expected a path: --repair per-task writes files beside it`);
  if (isatty(1)) throw new UsageError("stdout is a terminal, expected a pipe or a file for -");
}

/** The value of `-o` or OUT, for people. */
export const shownOutput = (path: string): string => (path === DASH ? "stdout" : path);

/** Opens a path, or what comes from stdin, which is read into memory. */
export async function openInput(
  path: string,
  { nextOfStdin }: Pick<CommandContext, "nextOfStdin">,
  options: OpenOptions,
): Promise<ClosingModel> {
  if (path !== DASH) return openModelFile(path, options);
  return openModel(await readAll(nextOfStdin), { name: "stdin", ...options });
}

/** What is read into memory at most. */
const MOST_BYTES = 2 ** 31;

/** All parts in one piece. Rejects with `FormatError` when there are none, or more than `most` bytes. */
export async function readAll(
  next: () => Promise<Uint8Array | undefined>,
  most: number = MOST_BYTES,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for (let part = await next(); part !== undefined; part = await next()) {
    bytes += part.length;
    if (bytes > most)
      throw new FormatError(
        `stdin has more than ${most} bytes, expected at most that: save it to a file and name that`,
      );
    parts.push(part);
  }
  if (bytes === 0) throw new FormatError("stdin is empty, expected a model file");
  const whole = new Uint8Array(bytes);
  // From the last on, so that each part can go when it is copied.
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    bytes -= part.length;
    whole.set(part, bytes);
  }
  return whole;
}
