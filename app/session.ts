/** The pair that a worker works on: opened from files, of which only what is asked for is read. */

import { blobFiles, type Format, flax, hdf5, keras, namedAs, npy, npz, pytorch, safetensors } from "../src/formats.ts";
import {
  blobSource,
  chooseSpec,
  compareTensors,
  elementCount,
  log10Symmetries,
  type Model,
  openModel,
  parseSpec,
  type ResolvedSpec,
  resolveSpec,
  type Spec,
  specName,
} from "../src/index.ts";
import type { ModelSummary, NamedBlob, PairDifferences, PairRequest, PairSummary, SpecChoice } from "./calls.ts";

export interface Session {
  readonly a: Model;
  readonly b: Model;
  /** A and B as their files have them. */
  readonly given: readonly Model[];
  readonly spec: Spec;
  /** As chosen; the report names it so. */
  readonly specName: string;
  readonly resolved: ResolvedSpec;
}

/** Only the header is read. Rejects as `openModel` does. */
export function openBlob({ name, blob, folder }: NamedBlob, signal?: AbortSignal): Promise<Model> {
  return openModel(folder === undefined ? blobSource(blob, name) : blobFiles(new Map(folder), name), { signal });
}

type Pair = Pick<Session, "a" | "b" | "given">;

/** Opens both files, of which only the headers are read. */
export async function openPair({ a, b }: Pick<PairRequest, "a" | "b">): Promise<Pair> {
  const given = [await openBlob(a), await openBlob(b)] as const;
  return { a: given[0], b: namedAs(given[1], given[0]), given };
}

/**
 * Fits the spec to a pair, to A alone: whether B has the same tensors is looked at elsewhere. Throws what the library
 * throws.
 */
export async function startSession({ a, b, given }: Pair, choice: SpecChoice): Promise<Session> {
  const { spec, name } = await specOf(choice, a);
  return { a, b, given, spec, specName: name, resolved: resolveSpec(spec, a.tensors) };
}

/** Longer lists show no more. */
const MOST_DIFFERENCES = 100;

/** What keeps two models from being merged, with any spec; null where nothing does. */
export function differencesOf({ a, b }: Pick<Pair, "a" | "b">): PairDifferences | null {
  // Shape and dtype may differ of one tensor, and are told together.
  const rows = new Map(compareTensors(a.tensors, b.tensors).map((each) => [each.tensor, each]));
  if (rows.size === 0) return null;
  return {
    differences: [...rows.values()].slice(0, MOST_DIFFERENCES).map(({ tensor, a, b }) => ({ tensor, a, b })),
    count: rows.size,
    tensorsA: a.tensors.size,
    tensorsB: b.tensors.size,
  };
}

/** Bound to the model, as permutation files carry it. */
async function specOf(choice: SpecChoice, model: Model): Promise<{ spec: Spec; name: string }> {
  const spec = await chooseSpec(typeof choice === "string" ? choice : parseSpec(choice.text, choice.name), model);
  return { spec, name: specName(spec) };
}

/** What the page shows of one file. */
export function summariseModel(model: Model, bytes: number): ModelSummary {
  const infos = [...model.tensors.values()];
  return {
    format: model.origin?.format ?? "unknown",
    tensors: infos.length,
    elements: infos.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    bytes,
    dtypes: [...new Set(infos.map(({ dtype }) => dtype))],
  };
}

/** Formats that a merge is written in as one file, where A has it. */
const ONE_FILE = [pytorch, npz, npy, flax, keras, hdf5];

/** A's format; of a file that is only read, and of several files, safetensors. */
function outputFormat({ origin }: Model): Format {
  const isOnlyRead = origin?.details.some(([label]) => label === "packed" || label === "left as is") === true;
  const own = ONE_FILE.find(({ name }) => name === origin?.format);
  return own === undefined || (isOnlyRead && !own.fresh) ? safetensors : own;
}

/** What the page shows of a pair. */
export function summarisePair({ a, spec, specName, resolved }: Session): PairSummary {
  const format = outputFormat(a);
  return {
    output: { format: format.name, ending: format.endings[0]! },
    spec: specName,
    why: spec.why ?? "",
    groups: resolved.permutations.map(({ name, size, tensors }) => ({ name, size, tensors })),
    log10Symmetries: log10Symmetries(resolved),
    frozen: spec.frozen ?? [],
  };
}
