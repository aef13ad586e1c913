/** `rebasin apply MODEL FILE -o OUT` */

import type { Model } from "../../base/model.ts";
import { visible } from "../../base/visible.ts";
import { applyPermutations } from "../../perm/apply-permutations.ts";
import { bridgeModels, specFor } from "../../perm/bridge-models.ts";
import { countMoved } from "../../perm/permutation.ts";
import { readPermutations } from "../../perm/permutation-file.ts";
import { prefixOfA } from "../../plan/align-by-plan.ts";
import { isTaskAffine } from "../../repair/task-file.ts";
import { textTable } from "../../report/text-table.ts";
import type { Command, CommandContext, CommandResult } from "../command.ts";
import { INPUT_OPTIONS, type InputValues, withModels } from "../models.ts";
import { flag, UsageError } from "../option.ts";
import {
  checkOutput,
  FOLDER_OPTIONS,
  type FolderValues,
  forceOption,
  type Output,
  openOutput,
  outputOption,
} from "../output.ts";

interface ApplyValues extends FolderValues, InputValues {
  readonly output: string;
  readonly inverse: boolean;
  readonly force: boolean;
}

type Context = CommandContext<ApplyValues>;

export const apply: Command<ApplyValues> = {
  positionals: ["MODEL", "FILE"],
  options: {
    output: outputOption("the model"),
    inverse: flag({ help: "undo permutations: apply, then apply --inverse, gives back every bit" }),
    ...FOLDER_OPTIONS,
    ...INPUT_OPTIONS,
    force: forceOption("replace an existing output file"),
  },
  examples: [
    "rebasin apply b.safetensors perms.safetensors -o b-aligned.safetensors",
    "rebasin apply b-aligned.safetensors perms.safetensors -o b-again.safetensors --inverse",
    "rebasin apply merged.safetensors merged.task-a.safetensors -o for-a.safetensors",
  ],
  async run(context) {
    await checkOutput(context);
    const [path, side] = context.positionals as [string, string];
    const use = async (model?: Model, file?: Model): Promise<CommandResult> => {
      const target = await openOutput(context, model!);
      return isTaskAffine(file!) ? applySide(context, target, model!, file!) : renumber(context, target, model!, file!);
    };
    return withModels([path], context, use, [side]);
  },
};

async function renumber(context: Context, target: Output, model: Model, file: Model): Promise<CommandResult> {
  const { options, signal } = context;
  const { spec, permutations } = await readPermutations(file, signal);
  const renumbered = await applyPermutations(model, await specFor(model, spec, signal), permutations, {
    inverse: options.inverse,
  });
  const lines = [
    `saved      ${visible(target.json.path)}`,
    ...(await target.save(await fullNames(context, renumbered))),
  ];
  const moved = Object.fromEntries(
    [...permutations].map(([name, p]) => [name, { size: p.length, moved: countMoved(p) }]),
  );
  const rows = Object.entries(moved).map(([name, { size, moved: count }]) => [name, String(size), String(count)]);
  return {
    json: { inverse: options.inverse, permutations: moved },
    text: [textTable(["permutation", "size", "moved"], rows), "", ...lines].join("\n"),
  };
}

/** The model with the names that its file has, where it was opened by a prefix. */
async function fullNames(context: Context, model: Model): Promise<Model> {
  const prefixA = prefixOfA({ prefix: context.options.prefix }, model);
  return prefixA === undefined
    ? model
    : (await bridgeModels([model], { prefixA, allowNonfinite: true })).restore(model);
}

async function applySide(context: Context, target: Output, model: Model, side: Model): Promise<CommandResult> {
  if (context.options.inverse)
    throw new UsageError(
      `--inverse is for permutations, expected no --inverse with ${side.name}, a side file of a task`,
    );
  const { applyTaskAffine } = await import("../../repair/apply-task-affine.ts");
  const fitted = await applyTaskAffine(model, side);
  const lines = [`saved      ${visible(target.json.path)}`, ...(await target.save(await fullNames(context, fitted)))];
  const task = side.metadata.get("rebasin.task");
  return {
    json: { task, places: side.tensors.size / 2 },
    text: [`task       ${visible(String(task))}`, ...lines].join("\n"),
  };
}
