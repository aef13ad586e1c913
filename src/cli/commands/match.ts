/** `rebasin match A B -o PERMS` */

import { planNeeds } from "../../plan/plan-needs.ts";
import { runPlan } from "../../plan/run-plan.ts";
import { KEEP_OPTION } from "../bridging.ts";
import type { Command } from "../command.ts";
import { COMMON_OF_MATCHES } from "../common-options.ts";
import { MATCH_OPTIONS, type MatchValues } from "../matching.ts";
import { MATCH_DATA_OPTIONS, type MatchDataValues } from "../matching-data.ts";
import { PREFIX_OPTIONS, type PrefixValues } from "../models.ts";
import { DRY_RUN_OPTION, needsResult } from "../needs-text.ts";
import { text } from "../option.ts";
import { planResult } from "../plan-result.ts";
import { alignOf, planOf, settingOf } from "../planning.ts";

interface MatchCommandValues extends MatchValues, PrefixValues, MatchDataValues {
  readonly output: string;
  readonly "keep-a": readonly string[] | undefined;
  readonly "dry-run": boolean;
}

export const match: Command<MatchCommandValues> = {
  positionals: ["A", "B"],
  options: {
    output: text({
      short: "o",
      value: "PERMS",
      help: "where to write the permutations (safetensors); - is stdout",
      group: "output",
      required: true,
    }),
    ...MATCH_OPTIONS,
    ...PREFIX_OPTIONS,
    "keep-a": KEEP_OPTION,
    ...MATCH_DATA_OPTIONS,
    "dry-run": DRY_RUN_OPTION,
  },
  common: COMMON_OF_MATCHES,
  examples: [
    "rebasin match a.safetensors b.safetensors -o perms.safetensors",
    "rebasin match a.safetensors b.safetensors -o perms.safetensors --method coordinate --seed 1",
    "rebasin match a.safetensors b.safetensors -o perms.safetensors --method activations --data fashion-mnist",
  ],
  async run(context) {
    const { options } = context;
    const { output: permutations, split, checkpoint } = options;
    const plan = planOf(context, { ...alignOf(options, split), output: { permutations } });
    const { host, run } = await settingOf(context, plan, checkpoint);
    if (options["dry-run"]) return needsResult(await planNeeds(plan, host, run));
    return planResult(await runPlan(plan, host, run));
  },
};
