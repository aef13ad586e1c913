/** `rebasin inspect MODEL` */

import { axisTexts } from "../../axes/axis-texts.ts";
import { resolveSpec } from "../../axes/resolve-spec.ts";
import { prettySpec } from "../../axes/spec-file.ts";
import { log10Symmetries } from "../../axes/symmetries.ts";
import type { Spec } from "../../axes/types.ts";
import { SpecError } from "../../base/errors.ts";
import type { Model } from "../../base/model.ts";
import { table } from "../../base/text-table.ts";
import { visible } from "../../base/visible.ts";
import { saveText } from "../../node/save-text.ts";
import type { Command, CommandContext } from "../command.ts";
import { checkOutputs, SPEC_OPTION, specOption, withModels } from "../models.ts";

export const inspect: Command = {
  name: "inspect",
  summary: "Show a model's tensors, family, permutation groups and symmetries",
  positionals: ["MODEL"],
  options: {
    spec: SPEC_OPTION,
    "spec-out": { value: "FILE", help: "write the spec as JSON, to edit and pass to --spec" },
    force: { help: "replace an existing spec file" },
  },
  examples: ["rebasin inspect model.safetensors", "rebasin inspect model.safetensors --spec-out spec.json"],
  async run(context) {
    const { values, flags, positionals, signal } = context;
    const specOut = values.get("spec-out");
    const force = flags.has("force");
    if (specOut !== undefined) await checkOutputs([specOut], positionals, force);
    return withModels(positionals, signal, async (model) => {
      const found = await findSpec(context, model!);
      if (specOut !== undefined) {
        if (found.spec === null) throw new SpecError(found.why);
        await saveText(prettySpec(found.spec), specOut, { force, inputs: positionals });
      }
      const json = describeModel(model!, found);
      return { json, text: inspectText(json, specOut) };
    });
  },
};

interface FoundSpec {
  readonly spec: Spec | null;
  readonly family: string | null;
  readonly why: string;
}

/** The spec, or why there is none: a model of no known family can still be looked at. */
async function findSpec(context: CommandContext, model: Model): Promise<FoundSpec> {
  try {
    const { spec, name } = await specOption(context, model);
    return { spec, family: spec.family ?? null, why: spec.why ?? `the spec ${name}` };
  } catch (error) {
    if (!(error instanceof SpecError) || context.values.get("spec") !== "auto") throw error;
    return { spec: null, family: null, why: error.message };
  }
}

interface ModelDescription {
  readonly family: string | null;
  readonly why: string;
  readonly tensors: readonly {
    name: string;
    dtype: string;
    shape: readonly number[];
    axes: readonly string[];
    votes: boolean;
  }[];
  readonly permutations: Readonly<Record<string, { size: number; tensors: readonly string[] }>>;
  readonly log10Symmetries: number;
  readonly frozen: readonly string[];
}

function describeModel(model: Model, { spec, family, why }: FoundSpec): ModelDescription {
  const resolved = spec === null ? null : resolveSpec(spec, model.tensors);
  return {
    family,
    why,
    tensors: [...model.tensors].map(([name, { dtype, shape }], at) => ({
      name,
      dtype,
      shape,
      axes: resolved === null ? shape.map(String) : axisTexts(resolved, at),
      votes: resolved === null ? false : resolved.tensors[at]!.votes,
    })),
    permutations: Object.fromEntries(
      (resolved?.permutations ?? []).map(({ name, size, tensors }) => [name, { size, tensors }]),
    ),
    log10Symmetries: resolved === null ? 0 : log10Symmetries(resolved),
    frozen: spec?.frozen ?? [],
  };
}

function inspectText(model: ModelDescription, specOut: string | undefined): string {
  const lines = [`family  ${model.family ?? "none"}: ${visible(model.why)}`, ""];
  const rows = model.tensors.map(({ name, dtype, axes, shape, votes }) => [
    name,
    dtype,
    `[${shape.join(", ")}]`,
    `[${axes.join(", ")}]`,
    votes ? "votes" : "",
  ]);
  lines.push(table(["tensor", "dtype", "shape", "axes", ""], rows));
  const groups = Object.entries(model.permutations);
  if (groups.length > 0) {
    lines.push(
      "",
      table(
        ["permutation", "size", "tensors"],
        groups.map(([name, { size, tensors }]) => [name, String(size), String(tensors.length)]),
      ),
    );
    lines.push("", `symmetries  10^${model.log10Symmetries.toFixed(1)} numberings of the units compute the same`);
  }
  for (const text of model.frozen) lines.push(`frozen      ${visible(text)}`);
  if (specOut !== undefined) lines.push(`spec        ${visible(specOut)}`);
  return lines.join("\n");
}
