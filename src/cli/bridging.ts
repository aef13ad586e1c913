/** Models of one command, made to fit each other where they differ a little: options, opening, and what to say of it. */

import type { Dtype } from "../base/dtype.ts";
import type { Model } from "../base/model.ts";
import { visible } from "../base/visible.ts";
import { bridgeModels } from "../perm/bridge-models.ts";
import type { Bridge, BridgeNote } from "../perm/bridge-types.ts";
import type { CommandContext } from "./command.ts";
import type { DataSourceValues } from "./image-data.ts";
import { type InputValues, type PrefixValues, runnable, type SpecValues, withModels } from "./models.ts";
import { choice, list, type Option } from "./option.ts";

/** Of commands that match by weights. */
export const KEEP_OPTION: Option<readonly string[] | undefined> = list({
  value: "NAMES",
  help: "tensors to copy from A alone, by commas: names, or NAME* for all that start so",
  group: "matching",
  // What runs B cannot run it with parts of A.
  without: ["data", "repair"],
});

/** Of commands that write what they merge. */
export const DTYPE_OPTION: Option<Dtype | undefined> = choice(["F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"], {
  value: "DTYPE",
  help: "dtype of the floats that are written",
  defaultText: "as A has them",
  group: "output",
});

/** What opening and fitting looks at. */
export type BridgeValues = InputValues &
  Partial<PrefixValues & SpecValues & DataSourceValues> & {
    readonly "keep-a"?: readonly string[] | undefined;
    readonly dtype?: Dtype | undefined;
    readonly "allow-nonfinite"?: boolean | undefined;
  };

/** Opens the models of the command and `files` beside them, makes the models fit each other, runs `use`, closes all. */
export async function withBridge<T>(
  context: CommandContext<BridgeValues>,
  use: (bridge: Bridge, ...files: Model[]) => Promise<T>,
  files: readonly string[] = [],
): Promise<T> {
  const { positionals, options, signal } = context;
  const count = positionals.length;
  return withModels(
    positionals,
    context,
    async (...opened) => {
      const given = opened.slice(0, count);
      const bridge = await bridgeModels(given, {
        keepA: options["keep-a"],
        dtype: options.dtype,
        prefixA: prefixOfA(context, given[0]!),
        allowNonfinite: options["allow-nonfinite"],
        signal,
      });
      const models = options.data !== undefined ? runnable(context, bridge.models) : bridge.models;
      return use({ ...bridge, models }, ...opened.slice(count));
    },
    files,
  );
}

/** What A was opened with, and the mark behind it: the result has A's names. */
export function prefixOfA(
  { options }: CommandContext<Pick<InputValues, "prefix"> & Partial<PrefixValues>>,
  { tensors }: Model,
): string | undefined {
  const prefix = options["prefix-a"] ?? options.prefix;
  if (prefix === undefined || prefix === "" || /[./\]]$/.test(prefix)) return prefix;
  const names = [...tensors.keys()];
  const isByPath = names.some((name) => name.includes("/")) && !names.some((name) => name.includes("."));
  return `${prefix}${isByPath ? "/" : "."}`;
}

/** One line on what was done; none where nothing was. */
export function bridgeLines(notes: readonly BridgeNote[]): string[] {
  return notes.length === 0 ? [] : [`bridged    ${visible(notes.map(({ text }) => text).join("; "))}`];
}
