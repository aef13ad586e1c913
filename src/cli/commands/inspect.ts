/** `rebasin inspect MODEL` */

import { axisTexts } from "../../axes/axis-texts.ts";
import { resolveSpec } from "../../axes/resolve-spec.ts";
import { prettySpec } from "../../axes/spec-file.ts";
import { log10Symmetries } from "../../axes/symmetries.ts";
import type { SpecBasis } from "../../axes/types.ts";
import { DTYPES, type Dtype } from "../../base/dtype.ts";
import { elementCount, type Model } from "../../base/model.ts";
import { tensorBytes } from "../../base/tensor-bytes.ts";
import { visible } from "../../base/visible.ts";
import { skeletonSpec } from "../../families/skeleton.ts";
import { shardName } from "../../formats/folder/shard-names.ts";
import type { ListedLayer } from "../../formats/keras/layers-of.ts";
import { listLayers } from "../../formats/list-layers.ts";
import { saveText } from "../../node/file-sink.ts";
import { textTable } from "../../report/text-table.ts";
import type { Command } from "../command.ts";
import { counted } from "../counted.ts";
import { type FoundSpec, findSpec } from "../find-spec.ts";
import { type DescribedGroup, groupTable } from "../group-table.ts";
import { layerTable } from "../layer-table.ts";
import { basisLines } from "../matching.ts";
import { checkOutputs, INPUT_OPTIONS, type InputValues, SPEC_OPTIONS, type SpecValues, withModels } from "../models.ts";
import { flag, text } from "../option.ts";
import { forceOption } from "../output.ts";

interface InspectValues extends SpecValues, InputValues {
  readonly all: boolean;
  readonly "spec-out": string | undefined;
  readonly svg: string | undefined;
  readonly force: boolean;
}

export const inspect: Command<InspectValues> = {
  positionals: ["MODEL"],
  options: {
    all: flag({ help: "list constants of the graph, too: integers and single numbers that no group moves" }),
    ...SPEC_OPTIONS,
    "spec-out": text({ value: "FILE", help: "write the spec as JSON, to edit and pass to --spec", group: "output" }),
    svg: text({
      value: "FILE.svg",
      help: "draw the network's graph, each permutation in its colour; --graph gives the graph of files without one",
      group: "output",
    }),
    ...INPUT_OPTIONS,
    force: forceOption("replace existing output files"),
  },
  examples: [
    "rebasin inspect model.safetensors",
    "rebasin inspect model.safetensors --spec-out spec.json",
    "rebasin inspect model.onnx --svg network.svg",
  ],
  async run(context) {
    const { positionals } = context;
    const { "spec-out": specOut, svg, force, all } = context.options;
    await checkOutputs(
      [specOut, svg].filter((path) => path !== undefined),
      positionals,
      force,
    );
    return withModels(positionals, context, async (model) => {
      const found = await findSpec(context, model!);
      // A model of no known family has a spec to fill in.
      const spec = found.spec ?? (await skeletonSpec(model!));
      if (specOut !== undefined) await saveText(prettySpec(spec), specOut, { force, inputs: positionals });
      if (svg !== undefined) {
        const { networkSvg } = await import("../network-svg.ts");
        await saveText(await networkSvg(context, model!, spec), svg, { force, inputs: positionals });
      }
      const layers = await listLayers(model!, context.signal);
      const json = { ...describeModel(positionals[0]!, model!, found), layers };
      return { json, text: inspectText(json, { specOut, svg, all }) };
    });
  },
};

interface Description extends ModelDescription {
  /** Of a Keras file that has its configuration; null otherwise. */
  readonly layers: readonly ListedLayer[] | null;
}

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
  readonly permutations: Readonly<Record<string, DescribedGroup>>;
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

function inspectText(
  model: Description,
  { specOut, svg, all }: { specOut: string | undefined; svg: string | undefined; all: boolean },
): string {
  const lines = [...fileLines(model), `family    ${model.family ?? "none"}: ${visible(model.why)}`];
  if (model.basis !== null) lines.push(...basisLines({ basis: model.basis, assumptions: model.assumptions }, 9));
  lines.push("");
  const shown = all ? model.tensors : model.tensors.filter((tensor) => !isConstant(model, tensor));
  const rows = shown.map(({ name, dtype, axes, shape, votes }) => [
    name,
    dtype,
    `[${shape.join(", ")}]`,
    `[${axes.join(", ")}]`,
    votes ? "votes" : "",
  ]);
  lines.push(textTable(["tensor", "dtype", "shape", "axes", ""], rows));
  const folded = model.tensors.length - shown.length;
  if (folded > 0) lines.push(`and ${counted(folded, "constant")}: integers and single numbers (--all lists them)`);
  if (model.layers !== null) lines.push("", layerTable(model.layers));
  const groups = Object.entries(model.permutations);
  if (groups.length > 0) {
    lines.push("", groupTable(model.permutations));
    lines.push("", `symmetries  10^${model.log10Symmetries.toFixed(1)} numberings of the units compute the same`);
  }
  for (const text of model.frozen) lines.push(`frozen      ${visible(text)}`);
  if (specOut !== undefined)
    lines.push(
      `spec        ${visible(specOut)}${model.basis === null ? ": to fill in, it moves nothing as it is" : ""}`,
    );
  if (svg !== undefined) lines.push(`drawing     ${visible(svg)}`);
  return lines.join("\n");
}

/** A constant that exporters write beside the tensors: a size, a position, a number to multiply by. */
function isConstant(
  { format }: ModelDescription,
  { dtype, shape, axes }: ModelDescription["tensors"][number],
): boolean {
  const kind = DTYPES[dtype as Dtype].kind;
  const isStill = axes.every((axis, at) => axis === String(shape[at]));
  return format === "onnx" && isStill && (kind === "integer" || kind === "bool" || elementCount(shape) === 1);
}
