/** Two models and the permutations between them: from a file, or found now. */

import { stat } from "node:fs/promises";
import { FormatError } from "../base/errors.ts";
import type { Model } from "../base/model.ts";
import type { Split } from "../node/data-folder.ts";
import { wordsOf } from "../node/system-error.ts";
import type { Permutations } from "../perm/alignment.ts";
import { specFor } from "../perm/bridge-models.ts";
import type { Bridge, BridgeNote } from "../perm/bridge-types.ts";
import { type AlignedPair, type Pair, pairOf } from "../perm/pair.ts";
import { countMoved } from "../perm/permutation.ts";
import { readPermutations } from "../perm/permutation-file.ts";
import { type BridgeValues, withBridge } from "./bridging.ts";
import type { CommandContext } from "./command.ts";
import { DASH } from "./dash.ts";
import { type MatchValues, runMatching } from "./matching.ts";
import type { CommandReport, MatchingValues } from "./matching-data.ts";
import { checkOutputs, specOption } from "./models.ts";
import { type Option, text } from "./option.ts";
import type { Repair } from "./repairing.ts";

export const PERMUTATIONS_OPTION: Option<string | undefined> = text({
  value: "FILE",
  help: "permutations of rebasin match, which align B to A; without them, B is matched",
  group: "matching",
});

/** Of commands that can take permutations from a file. */
export interface PermutationsValues {
  readonly permutations: string | undefined;
}

/** What aligning looks at on the command line. */
export type AligningValues = BridgeValues & MatchValues & MatchingValues & Partial<PermutationsValues>;

/** How a pair was aligned. */
export interface AlignmentFound {
  /** Units of each permutation, and how many of them moved. */
  readonly permutations: Record<string, { readonly size: number; readonly moved: number }>;
  /** Absent where permutations came from a file. */
  readonly matching?: CommandReport | undefined;
  /** For people: the method, or the file. */
  readonly how: string;
  /** What was done to make A and B fit each other. */
  readonly notes: readonly BridgeNote[];
}

/** A pair and how it was aligned. */
export interface FoundPair extends AlignedPair {
  readonly spec: Pair;
  readonly permutations: Permutations;
  readonly alignment: AlignmentFound;
}

/** What aligning is told besides the command line. */
export interface AligningOptions {
  /** Where data take part, images of this split decide. Default: training images. */
  readonly split?: Split | undefined;
  /** Done to the midpoints of starts before they are compared. */
  readonly repair?: Repair | undefined;
  /** Run before anything long, with A and B. */
  readonly check?: ((models: readonly Model[]) => Promise<void>) | undefined;
}

/** The file that `--permutations` names, as a list. */
export const permutationsInput = ({ options }: CommandContext<Partial<PermutationsValues>>): string[] =>
  options.permutations === undefined ? [] : [options.permutations];

/** Refuses a file that is not there, before any work: `merge --permutations` wrote one in version 0.1. */
export async function checkPermutationsInput(context: CommandContext<PermutationsValues>): Promise<void> {
  for (const path of permutationsInput(context)) {
    if (path === DASH) continue;
    const error = await stat(path).then(
      () => undefined,
      (cause) => cause,
    );
    if (error !== undefined)
      throw new FormatError(
        `${path} ${wordsOf(error)}, expected permutations of rebasin match (--permutations-out FILE writes what is found)`,
      );
  }
}

/** Aligns the two models of a bridge: by the permutations of `saved`, or by matching now. */
export async function alignPair(
  context: CommandContext<AligningValues>,
  { models, notes, fit }: Bridge,
  saved: Model | undefined,
  { split = "train", repair, check }: AligningOptions = {},
): Promise<FoundPair> {
  await check?.(models);
  const [a, b] = models as [Model, Model];
  if (saved !== undefined) {
    const { spec, permutations } = await readPermutations(saved, context.signal);
    const pair = pairOf(a, b, fit(await specFor(a, spec, context.signal)));
    const how = `permutations of ${context.options.permutations}`;
    return { a, b, spec: pair, permutations, alignment: { permutations: movedOf(permutations), how, notes } };
  }
  const { spec } = await specOption(context, a);
  const pair = pairOf(a, b, fit(spec));
  const { permutations, report } = await runMatching(context, pair, split, repair);
  const how = `${report.spec}, matched by ${report.method}`;
  const alignment = { permutations: movedOf(permutations), matching: report, how, notes };
  return { a, b, spec: pair, permutations, alignment };
}

/** Of commands that measure a pair, where `batch` and `checkpoint` are of what is measured. */
export type MeasuringValues = Omit<AligningValues, "batch"> & { readonly batch: number };

/** Opens A, B and the file of permutations, matches where there is none, runs `use`, closes everything. */
export async function withAlignedPair<T>(
  context: CommandContext<MeasuringValues>,
  use: (pair: AlignedPair, alignment: AlignmentFound) => Promise<T>,
  options: AligningOptions = {},
): Promise<T> {
  return withBridge(
    context,
    async (bridge, saved) => {
      const { alignment, ...pair } = await alignPair(forMatching(context), bridge, saved, options);
      return use(pair, alignment);
    },
    permutationsInput(context),
  );
}

/** Without the options that are the command's own here and the straight-through search's elsewhere. */
function forMatching(context: CommandContext<MeasuringValues>): CommandContext<AligningValues> {
  const { checkpoint, ...options } = context.options;
  const search = { batch: undefined, checkpoint: options.method === "straight-through" ? checkpoint : undefined };
  return { ...context, options: { ...options, ...search } };
}

/** Where `curve` and `contour` keep what they have measured: as `--checkpoint` says, else beside the first output. */
export async function checkpointPath(
  { options }: CommandContext<Pick<MeasuringValues, "method" | "checkpoint">>,
  outputs: readonly string[],
  inputs: readonly string[],
): Promise<string | undefined> {
  const named = options.method === "straight-through" ? undefined : options.checkpoint;
  const path = named ?? (outputs.length === 0 ? undefined : `${outputs[0]}.checkpoint`);
  if (path !== undefined) await checkOutputs([path], [...inputs, ...outputs], true);
  return path;
}

function movedOf(permutations: Permutations): AlignmentFound["permutations"] {
  return Object.fromEntries([...permutations].map(([name, p]) => [name, { size: p.length, moved: countMoved(p) }]));
}
