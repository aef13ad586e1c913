/** `rebasin inspect MODEL` */

import { axisTexts } from "../../axes/axis-texts.ts";
import { resolveSpec } from "../../axes/resolve-spec.ts";
import { prettySpec } from "../../axes/spec-file.ts";
import { log10Symmetries } from "../../axes/symmetries.ts";
import type { SpecBasis } from "../../axes/types.ts";
import { elementCount, type Model } from "../../base/model.ts";
import { tensorBytes } from "../../base/tensor-bytes.ts";
import { visible } from "../../base/visible.ts";
import { skeletonSpec } from "../../families/skeleton.ts";
import { shardName } from "../../formats/folder/shard-names.ts";
import { saveText } from "../../node/file-sink.ts";
import { textTable } from "../../report/text-table.ts";
import type { Command } from "../command.ts";
import { type FoundSpec, findSpec } from "../find-spec.ts";
import { basisLines } from "../matching.ts";
import { checkOutputs, INPUT_OPTIONS, type InputValues, SPEC_OPTIONS, type SpecValues, withModels } from "../models.ts";
import { text } from "../option.ts";
import { forceOption } from "../output.ts";

interface InspectValues extends SpecValues, InputValues {
  readonly "spec-out": string | undefined;
  readonly force: boolean;
}

export const inspect: Command<InspectValues> = {
  positionals: ["MODEL"],
  options: {
    ...SPEC_OPTIONS,
    "spec-out": text({ value: "FILE", help: "write the spec as JSON, to edit and pass to --spec", group: "output" }),
    ...INPUT_OPTIONS,
    force: forceOption("replace an existing spec file"),
  },
  examples: ["rebasin inspect model.safetensors", "rebasin inspect model.safetensors --spec-out spec.json"],
  async run(context) {
    const { positionals } = context;
    const { "spec-out": specOut, force } = context.options;
    if (specOut !== undefined) await checkOutputs([specOut], positionals, force);
    return withModels(positionals, context, async (model) => {
      const found = await findSpec(context, model!);
      // A model of no known family has a spec to fill in.
      const spec = found.spec ?? (await skeletonSpec(model!));
      if (specOut !== undefined) await saveText(prettySpec(spec), specOut, { force, inputs: positionals });
      const json = describeModel(positionals[0]!, model!, found);
      return { json, text: inspectText(json, specOut) };
    });
  },
};

interface ModelDescription {
  readonly format: string | null;
  /** What is to know of the file or folder: shards, the key of a checkpoint, what was not read. */
  readonly details: Readonly<Record<string, string>>;
  readonly parameters: number;
  /** Tensors and bytes of each dtype. */
  readonly dtypes: Readonly<Record<string, { tensors: number; bytes: number }>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly family: string | null;
  readonly why: string;
  readonly basis: SpecBasis | null;
  readonly assumptions: readonly string[];
  readonly tensors: readonly {
    name: string;
    dtype: string;
    shape: readonly number[];
    axes: readonly string[];
    votes: boolean;
  }[];
  readonly permutations: Readonly<
    Record<string, { size: number; tensors: readonly string[]; inside?: string | undefined; role?: string | undefined }>
  >;
  readonly log10Symmetries: number;
  readonly frozen: readonly string[];
}

/** The name of a file that is one of several shows it; opened alone it is part of a model. */
function loneShard(path: string): [string, string][] {
  const name = shardName(path);
  if (name === undefined || name.count < 2) return [];
  return [["shard", `${name.number} of ${name.count}: the whole model opens by its folder or its index`]];
}

function countDtypes({ tensors }: Model): Record<string, { tensors: number; bytes: number }> {
  const counts = new Map<string, { tensors: number; bytes: number }>();
  for (const info of tensors.values()) {
    const count = counts.get(info.dtype) ?? { tensors: 0, bytes: 0 };
    counts.set(info.dtype, { tensors: count.tensors + 1, bytes: count.bytes + tensorBytes(info) });
  }
  return Object.fromEntries(counts);
}

function describeModel(path: string, model: Model, { spec, family, why }: FoundSpec): ModelDescription {
  const resolved = spec === null ? null : resolveSpec(spec, model.tensors);
  const lone = loneShard(path);
  return {
    format: model.origin?.format ?? null,
    details: Object.fromEntries([...(model.origin?.details ?? []), ...lone]),
    parameters: [...model.tensors.values()].reduce((sum, { shape }) => sum + elementCount(shape), 0),
    dtypes: countDtypes(model),
    metadata: Object.fromEntries(model.metadata),
    family,
    why,
    basis: spec === null ? null : (spec.basis ?? "given"),
    assumptions: spec?.assumptions ?? [],
    tensors: [...model.tensors].map(([name, { dtype, shape }], at) => ({
      name,
      dtype,
      shape,
      axes: resolved === null ? shape.map(String) : axisTexts(resolved, at),
      votes: resolved === null ? false : resolved.tensors[at]!.votes,
    })),
    permutations: Object.fromEntries(
      (resolved?.permutations ?? []).map(({ name, size, tensors, outer, role }, _, all) => [
        name,
        { size, tensors, inside: all[outer]?.name, role },
      ]),
    ),
    log10Symmetries: resolved === null ? 0 : log10Symmetries(resolved),
    frozen: spec?.frozen ?? [],
  };
}

function fileLines({ format, details, parameters, dtypes, metadata }: ModelDescription): string[] {
  const row = (label: string, text: string): string => `${label.padEnd(9)} ${text}`;
  const counts = Object.entries(dtypes).map(
    ([dtype, { tensors, bytes }]) => `${tensors} ${dtype} (${sizeText(bytes)})`,
  );
  const entries = Object.entries(metadata).map(([key, value]) => `${short(key)} = ${short(value)}`);
  return [
    ...(format === null ? [] : [row("format", format)]),
    ...Object.entries(details).map(([label, text]) => row(label, short(text))),
    row("tensors", `${counts.join(", ") || "none"}; ${parameters.toLocaleString("en")} parameters`),
    ...entries.map((entry, at) => row(at === 0 ? "metadata" : "", entry)),
  ];
}

/** Longer values are cut: recipes and specs go into metadata. */
const LONGEST = 100;

const short = (text: string): string => visible(text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);

/** In the units that file managers use: 1 kB are 1000 bytes. */
function sizeText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let [value, unit] = [bytes, 0];
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`;
}

function inspectText(model: ModelDescription, specOut: string | undefined): string {
  const lines = [...fileLines(model), `family    ${model.family ?? "none"}: ${visible(model.why)}`];
  if (model.basis !== null) lines.push(...basisLines({ basis: model.basis, assumptions: model.assumptions }, 9));
  lines.push("");
  const rows = model.tensors.map(({ name, dtype, axes, shape, votes }) => [
    name,
    dtype,
    `[${shape.join(", ")}]`,
    `[${axes.join(", ")}]`,
    votes ? "votes" : "",
  ]);
  lines.push(textTable(["tensor", "dtype", "shape", "axes", ""], rows));
  const groups = Object.entries(model.permutations);
  if (groups.length > 0) {
    lines.push("", groupTable(groups));
    lines.push("", `symmetries  10^${model.log10Symmetries.toFixed(1)} numberings of the units compute the same`);
  }
  for (const text of model.frozen) lines.push(`frozen      ${visible(text)}`);
  if (specOut !== undefined)
    lines.push(
      `spec        ${visible(specOut)}${model.basis === null ? ": to fill in, it moves nothing as it is" : ""}`,
    );
  return lines.join("\n");
}

/** Without columns that would be empty in every row. */
function groupTable(groups: readonly (readonly [string, ModelDescription["permutations"][string]])[]): string {
  const more = (["inside", "role"] as const).filter((key) => groups.some(([, group]) => group[key] !== undefined));
  return textTable(
    ["permutation", "size", "tensors", ...more],
    groups.map(([name, group]) => [
      ...[name, String(group.size), String(group.tensors.length)],
      ...more.map((key) => group[key] ?? ""),
    ]),
  );
}
