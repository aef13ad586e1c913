/** Models of one command, made to fit each other where they differ a little: options, opening, and what to say of it. */

import type { Dtype } from "../base/dtype.ts";
import type { Model } from "../base/model.ts";
import { visible } from "../base/visible.ts";
import { bridgeModels } from "../perm/bridge-models.ts";
import type { Bridge, BridgeNote } from "../perm/bridge-types.ts";
import type { CommandContext, OptionRule } from "./command.ts";
import { runnable, withModels } from "./models.ts";

/** Of commands that take A and B. */
export const PREFIX_OPTIONS: Readonly<Record<string, OptionRule>> = {
  "prefix-a": { value: "PREFIX", help: "as --prefix, for A alone", group: "input" },
  "prefix-b": { value: "PREFIX", help: "as --prefix, for B alone", group: "input" },
  "key-b": { value: "KEY", help: "as --key, for B, where it is another", group: "input" },
};

/** Of commands that match by weights. */
export const KEEP_OPTION: OptionRule = {
  value: "NAMES",
  help: "tensors to take from A alone, by commas: names, or NAME* for all that start so",
  group: "matching",
};

/** Of commands that write what they merge. */
export const DTYPE_OPTION: OptionRule = {
  value: "DTYPE",
  help: "write floats so; by default as A has them",
  choices: ["F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"],
  group: "output",
};

/** Opens the models of the command and `files` beside them, makes the models fit each other, runs `use`, closes all. */
export async function withBridge<T>(
  context: CommandContext,
  use: (bridge: Bridge, ...files: Model[]) => Promise<T>,
  files: readonly string[] = [],
): Promise<T> {
  const { positionals, values, flags, signal } = context;
  const count = positionals.length;
  return withModels(
    positionals,
    context,
    async (...opened) => {
      const given = opened.slice(0, count);
      const bridge = await bridgeModels(given, {
        keepA: values
          .get("keep-a")
          ?.split(",")
          .map((name) => name.trim()),
        dtype: values.get("dtype") as Dtype | undefined,
        prefixA: prefixOfA(context, given[0]!),
        allowNonfinite: flags.has("allow-nonfinite"),
        signal,
      });
      const models = values.has("data") ? runnable(context, bridge.models) : bridge.models;
      return use({ ...bridge, models }, ...opened.slice(count));
    },
    files,
  );
}

/** What A was opened with, and the mark behind it: the result has A's names. */
export function prefixOfA({ values }: Pick<CommandContext, "values">, { tensors }: Model): string | undefined {
  const prefix = values.get("prefix-a") ?? values.get("prefix");
  if (prefix === undefined || prefix === "" || /[./\]]$/.test(prefix)) return prefix;
  const names = [...tensors.keys()];
  const isByPath = names.some((name) => name.includes("/")) && !names.some((name) => name.includes("."));
  return `${prefix}${isByPath ? "/" : "."}`;
}

/** One line on what was done; none where nothing was. */
export function bridgeLines(notes: readonly BridgeNote[]): string[] {
  return notes.length === 0 ? [] : [`bridged    ${visible(notes.map(({ text }) => text).join("; "))}`];
}
