/** `rebasin verify MODEL` */

import { specName } from "../../axes/spec-name.ts";
import type { Spec } from "../../axes/types.ts";
import type { Model } from "../../base/model.ts";
import { visible } from "../../base/visible.ts";
import type { Verification } from "../../verify/verify-spec.ts";
import type { Command, CommandContext, CommandResult } from "../command.ts";
import { counted } from "../counted.ts";
import { linkLines, type OpenGraph, withGraph } from "../graph-option.ts";
import { INPUT_OPTIONS, type InputValues, SPEC_OPTIONS, type SpecValues, specOption, withModels } from "../models.ts";
import { flag, integer, number, parsed, UsageError } from "../option.ts";
import { runnerFor } from "../spec-runner.ts";

interface VerifyValues extends InputValues, SpecValues {
  readonly shape: ReadonlyMap<string, readonly number[]> | undefined;
  readonly value: ReadonlyMap<string, readonly number[]> | undefined;
  readonly quick: boolean;
  readonly seed: number;
  readonly tolerance: number;
}

/** `NAME=…` by commas; names may have `=`, too. */
function named(given: string, option: string, numbersOf: (text: string) => number[]): Map<string, number[]> {
  return new Map(
    given.split(",").map((part): [string, number[]] => {
      const at = part.lastIndexOf("=");
      const numbers = at < 1 ? [] : numbersOf(part.slice(at + 1));
      if (numbers.length > 0 && numbers.every((each) => Number.isFinite(each))) return [part.slice(0, at), numbers];
      throw new UsageError(
        `--${option} ${given}, expected NAME=${option === "shape" ? "1x3x224x224" : "16000"} by commas`,
      );
    }),
  );
}

const sizes = (text: string): number[] =>
  text.split("x").map((size) => (/^\d+$/.test(size) ? Number(size) : Number.NaN));
const values = (text: string): number[] =>
  text.split(";").map((each) => (each.trim() === "" ? Number.NaN : Number(each)));

export const verify: Command<VerifyValues> = {
  positionals: ["MODEL"],
  options: {
    ...INPUT_OPTIONS,
    ...SPEC_OPTIONS,
    shape: parsed(
      {
        value: "NAME=1x3x224x224",
        help: "sizes of inputs that the graph leaves open; several with commas",
        group: "input",
      },
      (given, option) => named(given, option, sizes),
    ),
    value: parsed(
      {
        value: "NAME=16000",
        help: "the number in an input that cannot be drawn, such as a sampling rate; several with commas, a list with ;",
        group: "input",
      },
      (given, option) => named(given, option, values),
    ),
    quick: flag({ help: "renumber all groups together first, and each alone only when that changes the outputs" }),
    seed: integer({ value: "N", help: "of permutations and inputs", default: 0, min: 0 }),
    tolerance: number({
      value: "X",
      help: "the largest change of an output that counts as none, relative to its largest number",
      default: 1e-4,
      min: 0,
      max: 1,
    }),
  },
  examples: [
    "rebasin verify model.onnx",
    "rebasin verify a.safetensors --spec my-spec.json",
    "rebasin verify model.pt --graph model.onnx --shape image=1x3x224x224",
    "rebasin verify silero_vad_v5.onnx --value sr=16000 --shape input=1x512 --json",
  ],
  async run(context) {
    const { positionals, options, signal } = context;
    return withModels(positionals, context, async (opened) => {
      const model = opened!;
      if (options.graph === undefined) return verifyBy(context, model, (await specOption(context, model)).spec);
      return withGraph(options.graph, model, signal, async (graph) => {
        const spec = options.spec === "auto" ? graph.spec : (await specOption(context, model)).spec;
        return verifyBy(context, model, spec, graph);
      });
    });
  },
};

async function verifyBy(
  context: CommandContext<VerifyValues>,
  model: Model,
  spec: Spec,
  graph?: OpenGraph,
): Promise<CommandResult> {
  const { signal, onProgress, options } = context;
  const { seed, tolerance, quick } = options;
  const { verifySpec } = await import("../../verify/verify-spec.ts");
  const { runner, on, dispose } = await runnerFor(context, options, model, graph);
  try {
    const found = await verifySpec(model, spec, runner, { seed, tolerance, each: !quick, signal, onProgress });
    const links = graph?.links.map(({ graph: from, ...link }) => ({ ...link, from }));
    const json = { model: context.positionals[0], spec: specName(spec), why: spec.why, runtime: on, ...found, links };
    const lines = [
      `model      ${visible(context.positionals[0]!)}`,
      `spec       ${visible([specName(spec), spec.why].filter(Boolean).join(", "))}`,
      ...(graph === undefined ? [] : linkLines(graph)).map((line) => `linked     ${line}`),
      `runs on    ${on}`,
      ...resultLines(found),
    ];
    return { json, text: lines.join("\n"), exitCode: found.kept ? 0 : 1 };
  } finally {
    dispose?.();
  }
}

function resultLines({ groups, faults, varied, kept, deviation, tolerance }: Verification): string[] {
  const many = groups.filter(({ shows, kept: own }) => own && !shows);
  const lines = groups.map(({ name, size, deviation: own, kept: holds, shows }) => {
    const verdict = holds ? (shows ? "kept" : "kept, but no output depends on it here") : "CHANGED";
    return `group      ${name.padEnd(6)} ${String(size).padStart(6)} units  ${own.toExponential(1)}  ${verdict}`;
  });
  for (const { group, tensor, axis, is, expected } of faults)
    lines.push(visible(`wrong      ${tensor} axis ${axis} is "${is}", expected "${expected}" (group ${group})`));
  if (!kept && faults.length === 0)
    lines.push("wrong      no single axis mends it: the groups above are wrong in several places");
  if (varied.length > 0)
    lines.push(`drawn      ${counted(varied.length, "constant tensor")}, drawn at random for this`);
  if (many.length > 0 && many.length === groups.length)
    lines.push("note       no output depends on any group: other inputs may show more (--value, --shape)");
  const verdict = kept ? "kept" : "CHANGED";
  lines.push(
    `outputs    ${verdict}: all groups together change them by ${deviation.toExponential(1)}, at most ${tolerance} expected`,
  );
  return lines;
}
