/** Opens TensorFlow.js models: `model.json` with its shards, and manifests of weights alone. */

import { describe } from "../../base/describe.ts";
import { FormatError } from "../../base/errors.ts";
import { findKeyFault } from "../../base/json-keys.ts";
import type { Model, TensorInfo } from "../../base/model.ts";
import { createYielder } from "../../base/progress.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import type { Files } from "../../io/files.ts";
import { readAhead } from "../../io/read-ahead.ts";
import { joinSources, openGroup } from "./group-source.ts";
import { isObject, type ManifestWeight, readManifest } from "./manifest.ts";
import { checkAffine } from "./quantise.ts";
import { readWeight } from "./read-weight.ts";
import type { OpenGroup, PlacedWeight, TfjsContainer } from "./tfjs-container.ts";
import { kernelUse, readTopology, type Topology } from "./topology.ts";

export interface TfjsOptions {
  readonly signal?: AbortSignal | undefined;
  readonly maxIndexBytes?: number | undefined;
}

/** Topologies of some megabytes are usual. */
const MAX_JSON_BYTES = 256 * 2 ** 20;
const MAX_JSON_DEPTH = 128;

/**
 * Opens a model of TensorFlow.js: reads `model.json` or the manifest, and looks at its files. Tensors that are stored
 * with 8 or 16 bits and a scale are F32 here (I32 for whole numbers), those stored as float16 are F16. Text is left
 * out, and survives writing back. `read` gives a *view* where the source gives one, else a copy.
 *
 * @throws {FormatError} naming file and tensor: for what is malformed, for files that are not there, and whose size is
 * not that of their tensors
 *
 * @example
 * const model = await openTfjs(bytesSource(bytes, "model.json"), droppedFiles(files));
 */
export async function openTfjs(
  source: ByteSource,
  files: Files | undefined,
  { signal, maxIndexBytes }: TfjsOptions = {},
): Promise<Model> {
  const { name } = source;
  const json = await readJson(source, Math.min(maxIndexBytes ?? MAX_JSON_BYTES, MAX_JSON_BYTES), signal);
  const isModel = isObject(json);
  const manifest = readManifest(isModel ? json.weightsManifest : json, name);
  const topology = readTopology(isModel ? json.modelTopology : undefined);
  const groups: OpenGroup[] = [];
  try {
    for (const group of manifest) {
      const sources = await openGroup(group.paths, files, name, signal);
      groups.push({ ...group, sources, all: joinSources(sources, `${name} weights`) });
    }
    const placed = await placeAll(groups, name, signal);
    return modelOf(source, groups, placed, topology, isModel ? json : {});
  } catch (error) {
    for (const { all } of groups) await all.close?.();
    throw error;
  }
}

async function readJson(source: ByteSource, most: number, signal: AbortSignal | undefined): Promise<unknown> {
  const { name, byteLength } = source;
  if (byteLength > most)
    throw new FormatError(`${name} has ${byteLength} bytes, expected a model.json of at most ${most}`);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(await source.slice(0, byteLength, signal)));
  } catch (cause) {
    signal?.throwIfAborted();
    throw new FormatError(`${name} is not valid UTF-8, expected a model of TensorFlow.js in JSON`, { cause });
  }
  const fault = findKeyFault(text, MAX_JSON_DEPTH);
  if (fault?.duplicate !== undefined)
    throw new FormatError(`${name} has ${describe(fault.duplicate)} twice in one object, expected it once`);
  if (fault !== undefined)
    throw new FormatError(`${name} is nested ${fault.tooDeep} deep, expected at most ${MAX_JSON_DEPTH}`);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FormatError(`${name} is not valid JSON, expected a model of TensorFlow.js`, { cause });
  }
}

/** Tensors by name, and the names of those that are text. */
interface Placed {
  readonly tensors: Map<string, PlacedWeight>;
  readonly texts: string[];
}

async function placeAll(groups: readonly OpenGroup[], file: string, signal: AbortSignal | undefined): Promise<Placed> {
  const placed: Placed = { tensors: new Map(), texts: [] };
  const giveWay = createYielder(signal);
  for (const [group, { weights, all }] of groups.entries()) {
    let offset = 0;
    for (const [index, weight] of weights.entries()) {
      await giveWay();
      const where = `${file} tensor ${describe(weight.name)}`;
      const byteLength = weight.storedBytes ?? (await textBytes(all, offset, weight, where, signal));
      if (offset + byteLength > all.byteLength)
        throw new FormatError(
          `${where} is at bytes ${offset} to ${offset + byteLength}, expected a place in the ${all.byteLength} bytes of its files`,
        );
      const { quantization, dtype } = weight;
      if (quantization !== undefined && "scale" in quantization) checkAffine(quantization, where, dtype === "I32");
      if (dtype === undefined) placed.texts.push(weight.name);
      else placed.tensors.set(weight.name, { ...weight, group, index, offset, byteLength });
      offset += byteLength;
    }
    if (offset !== all.byteLength)
      throw new FormatError(
        `${file} group ${group + 1} has files of ${all.byteLength} bytes, expected the ${offset} of its tensors`,
      );
  }
  return placed;
}

/** Text: for each element its length, four bytes, and its bytes. */
async function textBytes(
  all: ByteSource,
  start: number,
  { shape }: ManifestWeight,
  where: string,
  signal: AbortSignal | undefined,
): Promise<number> {
  const near = readAhead(all);
  const elements = shape.reduce((product, size) => product * size, 1);
  let at = start;
  for (let i = 0; i < elements; i++) {
    if (at + 4 > all.byteLength)
      throw new FormatError(`${where} has ${elements} texts, expected no more than its files hold`);
    const [a, b, c, d] = await near.slice(at, at + 4, signal);
    at += 4 + a! + 2 ** 8 * b! + 2 ** 16 * c! + 2 ** 24 * d!;
  }
  return at - start;
}

function modelOf(
  source: ByteSource,
  groups: readonly OpenGroup[],
  { tensors, texts }: Placed,
  topology: Topology,
  json: Record<string, unknown>,
): Model {
  const { name } = source;
  const infos = new Map(
    Array.from(tensors, ([tensor, { dtype, shape }]): [string, TensorInfo] => [
      tensor,
      { dtype: dtype!, shape, use: kernelUse(topology, tensor) },
    ]),
  );
  const container: TfjsContainer = { source, groups, tensors, infos, json };
  return {
    name,
    tensors: infos,
    metadata: new Map(),
    origin: { format: "tfjs", details: detailsOf(container, texts, topology, json), container },
    async read(tensor, signal, _into, part) {
      const weight = tensors.get(tensor);
      if (weight === undefined)
        throw new RangeError(`${name} has no tensor ${describe(tensor)}, expected one of its names`);
      return readWeight(container, weight, signal, part);
    },
    async close() {
      for (const { all } of groups) await all.close?.();
      await source.close?.();
    },
  };
}

function detailsOf(
  { groups, tensors }: TfjsContainer,
  texts: readonly string[],
  { operators }: Topology,
  json: Record<string, unknown>,
): [string, string][] {
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  const counts = new Map<string, number>();
  for (const { quantization } of tensors.values())
    if (quantization !== undefined) counts.set(quantization.dtype, (counts.get(quantization.dtype) ?? 0) + 1);
  const most = [...operators].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  const details: [string, string][] = [
    ["kind", text(json.format) || (json.modelTopology === undefined ? "weights alone" : "model")],
    ["producer", [text(json.generatedBy), text(json.convertedBy)].filter(Boolean).join(", ")],
    ["operators", most.map(([name, count]) => `${name} ${count}`).join(", ")],
    ["files", String(groups.reduce((sum, { paths }) => sum + paths.length, 0))],
    ["quantised", [...counts].map(([dtype, count]) => `${count} tensors as ${dtype}`).join(", ")],
    ["left as is", texts.map((name) => `${name} (text)`).join(", ")],
  ];
  return details.filter(([, value]) => value !== "");
}
