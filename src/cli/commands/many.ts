/** `rebasin many A B [C ...] -o OUT` */

import { mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Spec } from "../../axes/types.ts";
import type { Dtype } from "../../base/dtype.ts";
import type { Model } from "../../base/model.ts";
import { visible } from "../../base/visible.ts";
import type { ManyReport, ManyStrategy } from "../../many/align-many.ts";
import { type ManyOptions, mergeMany } from "../../many/merge-many.ts";
import type { Method } from "../../match/match-weights.ts";
import { saveSafetensors } from "../../node/save-safetensors.ts";
import { wordsOf } from "../../node/system-error.ts";
import { applyPermutations } from "../../perm/apply-permutations.ts";
import { permutationsModel } from "../../perm/permutation-file.ts";
import { textTable } from "../../report/text-table.ts";
import { bridgeLines, DTYPE_OPTION, withBridge } from "../bridging.ts";
import type { Command, CommandContext } from "../command.ts";
import { counted } from "../counted.ts";
import { DASH } from "../dash.ts";
import { DATA_SOURCE_OPTIONS, type DataSourceValues } from "../image-data.ts";
import { basisLines, THREADS_OPTION } from "../matching.ts";
import { INPUT_OPTIONS, type InputValues, SPEC_OPTIONS, type SpecValues, specOption } from "../models.ts";
import { choice, integer, text, UsageError } from "../option.ts";
import {
  checkModelOutput,
  FOLDER_OPTIONS,
  type FolderValues,
  forceOption,
  METADATA_OPTION,
  openOutput,
  outputOption,
} from "../output.ts";
import { repairText } from "../repair-text.ts";
import { planRepair, REPAIR_OPTIONS, type RepairValues, repairHint, TEMPERATURE_OPTION } from "../repairing.ts";

interface ManyValues extends SpecValues, FolderValues, InputValues, DataSourceValues, RepairValues {
  readonly output: string;
  readonly strategy: ManyStrategy;
  readonly dtype: Dtype | undefined;
  readonly "permutations-out": string | undefined;
  readonly reference: number;
  readonly method: Method | undefined;
  readonly "max-rounds": number;
  readonly seed: number;
  readonly "no-metadata": boolean;
  readonly threads: number | "auto";
  readonly temperature: boolean;
  readonly force: boolean;
}

export const many: Command<ManyValues> = {
  positionals: ["A", "B"],
  further: "C",
  options: {
    output: outputOption("the merged model"),
    strategy: choice(["cycle-consistent", "merge-many", "tree"], {
      value: "STRATEGY",
      help: "all jointly to a common universe (C²M³); each to the mean of the others (Git Re-Basin's MergeMany); in pairs, by stages",
      default: "cycle-consistent",
    }),
    dtype: DTYPE_OPTION,
    "permutations-out": text({
      group: "output",
      value: "DIR",
      help: "also write each model's permutations there, for rebasin apply: 0-A.permutations.safetensors, 1-B…",
    }),
    reference: integer({
      value: "N",
      help: "number the merged units as in model N, counted from 0",
      default: 0,
      min: 0,
    }),
    method: choice(["frank-wolfe", "coordinate"], {
      value: "METHOD",
      help: "how the first round of merge-many matches, and how tree matches pairs",
      defaultText: "coordinate for merge-many, as in the paper; frank-wolfe for tree",
      for: { strategy: ["merge-many", "tree"] },
    }),
    "max-rounds": integer({ value: "N", help: "rounds over all models at most", default: 100, min: 1 }),
    seed: integer({
      value: "N",
      help: "seed of the order of models and of the visiting order of descent",
      default: 0,
      min: 0,
    }),
    ...SPEC_OPTIONS,
    "no-metadata": METADATA_OPTION,
    ...FOLDER_OPTIONS,
    ...INPUT_OPTIONS,
    threads: THREADS_OPTION,
    ...DATA_SOURCE_OPTIONS,
    ...REPAIR_OPTIONS,
    temperature: TEMPERATURE_OPTION,
    force: forceOption(),
  },
  examples: [
    "rebasin many a.safetensors b.safetensors c.safetensors -o merged.safetensors",
    "rebasin many runs/*.safetensors -o merged.safetensors --strategy merge-many --seed 1 --json",
    "rebasin many a.safetensors b.safetensors c.safetensors -o merged.safetensors --permutations-out perms",
    "rebasin many a.safetensors b.safetensors c.safetensors -o merged.safetensors --repair least-squares --data fashion-mnist",
  ],
  async run(context) {
    const { options, positionals, signal, onProgress } = context;
    const settings = settingsOf(context);
    const { force } = options;
    const repair = planRepair(context);
    const files = await permutationFiles(options["permutations-out"], positionals);
    await checkModelOutput(context, files);
    return withBridge(context, async ({ models, notes, fit, restore }) => {
      const target = await openOutput(context, restore(models[0]!));
      const spec = fit((await specOption(context, models[0]!)).spec);
      const found = await mergeMany(models, spec, { ...settings, signal, onProgress });
      const { permutations, report } = found;
      const repaired = await repair?.ofMean(found.model, await alignedModels(models, spec, permutations));
      const model = repaired?.model ?? found.model;
      const save = { force, inputs: positionals, signal, onProgress };
      const saved = await target.save(restore(model));
      for (const [i, file] of files.entries()) {
        await saveSafetensors(await permutationsModel(spec, permutations[i]!), file, save);
      }
      const written = [
        ...(repaired === undefined ? [] : [repairText(repaired.report)]),
        `merged     ${visible(target.json.path)}`,
        ...saved,
        ...files.map((file) => `saved      ${visible(file)}`),
      ];
      if (repaired === undefined) written.push(repairHint(models[0]!));
      const name = visible(spec.why === undefined ? report.spec : `${report.spec}: ${spec.why}`);
      return {
        json: { ...report, notes, inputs: positionals, output: target.json, repair: repaired?.report },
        text: [...bridgeLines(notes), manyText(report, [name, ...basisLines(spec)], positionals), "", ...written].join(
          "\n",
        ),
      };
    });
  },
};

/** What the merge is the mean of. */
function alignedModels(
  models: readonly Model[],
  spec: Spec,
  permutations: readonly ReadonlyMap<string, Int32Array>[],
): Promise<Model[]> {
  return Promise.all(models.map((model, i) => applyPermutations(model, spec, permutations[i]!)));
}

function settingsOf({ options, positionals }: CommandContext<ManyValues>): ManyOptions {
  const { strategy, method, seed, reference, threads, "max-rounds": maxRounds } = options;
  if (reference >= positionals.length)
    throw new UsageError(`--reference ${reference}, expected an integer from 0 to ${positionals.length - 1}`);
  return { strategy, method, seed, maxRounds, reference, threads };
}

/** A file for each model in `folder`, which is made; none without a folder. Numbers keep files of one name apart. */
async function permutationFiles(folder: string | undefined, models: readonly string[]): Promise<string[]> {
  if (folder === undefined) return [];
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw new RangeError(`${folder} cannot be made (${wordsOf(cause)}), expected a directory`, { cause });
  }
  return models.map((model, i) =>
    join(
      folder,
      `${i}-${basename(model === DASH ? "stdin" : model).replace(/\.(safetensors|pt|pth|bin|ckpt|npz|npy)$/, "")}.permutations.safetensors`,
    ),
  );
}

function manyText(report: ManyReport, spec: readonly string[], inputs: readonly string[]): string {
  const { strategy, method, iterations, rounds, stages, objective, identityObjective } = report;
  const unit = strategy === "tree" ? "stage" : "round";
  const steps = iterations > 0 ? `${counted(iterations, "step")}, ` : "";
  const end = report.converged ? "" : " (stopped there: --max-rounds)";
  const rows = inputs.map((input, i) => [
    input,
    report.identityDistances[i]!.toPrecision(6),
    report.distances[i]!.toPrecision(6),
    String(Object.values(report.moved[i]!).reduce((sum, count) => sum + count, 0)),
  ]);
  const lines = [
    `spec       ${spec.join("\n")}`,
    `strategy   ${strategy}, ${method}, ${steps}${counted(rounds, unit)}${end}, ${report.seconds.toFixed(2)} s`,
    `objective  ${identityObjective.toPrecision(6)} before, ${objective.toPrecision(6)} aligned`,
    "",
    "distance of each model to the mean, before and aligned:",
    textTable(["model", "before", "aligned", "units moved"], rows),
  ];
  stages.forEach(({ pairs, norms }, at) => {
    if (at === 0) lines.push("");
    const shares = pairs.map(({ lambda }) => lambda.toPrecision(3)).join(", ");
    lines.push(`stage ${at + 1}    λ ${shares}; norms ${norms.map((norm) => norm.toPrecision(6)).join(", ")}`);
  });
  return lines.join("\n");
}
