/**
 * node scripts/run.mjs scripts/evaluate-many.ts A B C ... --data DIR: merges checkpoints into one by every strategy and
 * measures each merge, and the mean of the models as they are, on the test images. Exit codes: 0 done, 2 usage.
 */

import { parseArgs } from "node:util";
import type { Model } from "../src/base/model.ts";
import { detectSpec } from "../src/families/detect-spec.ts";
import type { ManyStrategy } from "../src/many/align-many.ts";
import { type ManyOptions, mergeMany } from "../src/many/merge-many.ts";
import { blendModels } from "../src/merge/blend-models.ts";
import { readDataFolder } from "../src/node/data-folder.ts";
import { openModelFile } from "../src/node/open-model.ts";
import { textTable } from "../src/report/text-table.ts";
import { evaluateModel } from "../src/run/models/evaluate-model.ts";

const HELP = `usage: node scripts/run.mjs scripts/evaluate-many.ts A B [C ...] --data DIR [OPTION ...]

  --data DIR          folder with the test images and labels, by MNIST's names
  --strategy LIST     cycle-consistent, merge-many, tree, separated by commas   [all]
  --method METHOD     as in rebasin many
  --seeds N           merge-many: how many seeds, from 0                        [1]
  --references LIST   cycle-consistent: models that all are first matched to    [0]
  --limit N           only the first N test images                              [all]`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: "string" },
    strategy: { type: "string", default: "cycle-consistent,merge-many,tree" },
    method: { type: "string" },
    seeds: { type: "string", default: "1" },
    references: { type: "string", default: "0" },
    limit: { type: "string" },
  },
});

async function evaluateAll(data: string): Promise<void> {
  const limit = values.limit === undefined ? {} : { limit: Number(values.limit) };
  const images = await readDataFolder(data, { split: "test", ...limit });
  const models = await Promise.all(positionals.map((path) => openModelFile(path)));
  const rows: string[][] = [];
  const row = async (name: string, model: Model, ...more: string[]): Promise<void> => {
    const { loss, accuracy } = await evaluateModel(model, images);
    rows.push([name, accuracy.toFixed(4), loss.toFixed(4), ...more]);
  };
  for (const [i, model] of models.entries()) await row(positionals[i]!, model, "", "", "");
  await row("mean of the models as they are", blendModels(models), "", "", "");
  for (const options of variants()) {
    const { model, report } = await mergeMany(models, await detectSpec(models[0]!, { normGroups: 1 }), options);
    const { method, reference, iterations, rounds, objective, seconds } = report;
    const name = `${report.strategy}, ${method}, seed ${options.seed ?? 0}, reference ${reference}`;
    await row(name, model, objective.toFixed(2), `${iterations} + ${rounds}`, seconds.toFixed(1));
  }
  console.log(`${images.count} images`);
  console.log(textTable(["model", "accuracy", "loss", "objective", "steps + rounds", "seconds"], rows));
  for (const model of models) await model.close?.();
}

function variants(): ManyOptions[] {
  return (values.strategy.split(",") as ManyStrategy[]).flatMap((strategy): ManyOptions[] => {
    const method = values.method as ManyOptions["method"];
    const common = { strategy, ...(method === undefined || strategy === "cycle-consistent" ? {} : { method }) };
    if (strategy === "merge-many")
      return Array.from({ length: Number(values.seeds) }, (_, seed) => ({ ...common, seed }));
    if (strategy === "cycle-consistent")
      return values.references.split(",").map((reference) => ({ ...common, reference: Number(reference) }));
    return [common];
  });
}

if (values.data === undefined || positionals.length < 2) {
  console.error(HELP);
  process.exitCode = 2;
} else await evaluateAll(values.data);
