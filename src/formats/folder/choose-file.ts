/** Which file of a folder is the model. */

import { listFirst } from "../../base/compare-tensors.ts";
import { describe } from "../../base/describe.ts";
import { FormatError } from "../../base/errors.ts";
import { whyFolderNotRead } from "../not-read.ts";
import { shardName } from "./shard-names.ts";

/** What a folder was found to hold: the file to open, an index or a model, and other models that are not read. */
export interface ChosenFile {
  readonly path: string;
  readonly others: readonly string[];
}

/** Files that hold weights, and are read, the preferred ending first. */
const ENDINGS = [
  ".safetensors",
  ".bin",
  ".pt",
  ".pth",
  ".ckpt",
  ".npz",
  ".onnx",
  "model.json",
  ".msgpack",
  ".keras",
  ".h5",
];

/** Files that hold weights in formats that are not read. */
const OTHER_WEIGHTS = /\.(gguf|ot|tflite|pb|onnx_data)$/i;

/**
 * What training leaves beside a model in the endings of models, the weights of TensorFlow.js, and JSON of another
 * name.
 */
const NO_MODEL =
  /^((training_args|optimizer|scheduler|scaler|rng_state.*|random_states.*)\.(bin|pt|pth)|group\d+-shard\d+of\d+\.bin|.+model\.json)$/;

/** Names that libraries look for, the preferred first. */
const USUAL = [
  "model",
  "diffusion_pytorch_model",
  "pytorch_model",
  "adapter_model",
  "open_clip_model",
  "flax_model",
  "tf_model",
];

const INDEX = ".index.json";

/** True for a file that holds weights, of a shard too, or their index, by its name. */
export function holdsWeights(path: string): boolean {
  const plain = path.endsWith(INDEX) ? path.slice(0, -INDEX.length) : path;
  return (
    OTHER_WEIGHTS.test(plain) || (ENDINGS.some((ending) => plain.endsWith(ending)) && !/.model\.json$/.test(plain))
  );
}

/**
 * The model among the `paths` of a folder: usual names before others, an index before a single file, safetensors before
 * `.bin`, then the rest. `name` is the folder's, for messages.
 *
 * Throws `FormatError` when there is none, or when nothing decides between several.
 *
 * @example
 * chooseFile(["config.json", "model.safetensors"], "hf").path; // "model.safetensors"
 */
export function chooseFile(paths: readonly string[], name: string): ChosenFile {
  const candidates = paths.filter(isCandidate).map((path) => ({ path, rank: rankOf(path) }));
  if (candidates.length === 0) throw new FormatError(whyNone(paths, name));
  const best = Math.min(...candidates.map(({ rank }) => rank));
  const [first, ...rest] = candidates.filter(({ rank }) => rank === best);
  if (rest.length > 0) {
    const all = [first!, ...rest].map(({ path }) => path);
    throw new FormatError(`${name} holds ${all.length} models (${listFirst(all)}), expected one: name the file`);
  }
  const { path } = first!;
  return { path, others: candidates.map((candidate) => candidate.path).filter((other) => other !== path) };
}

/** A whole model or an index, in the folder itself. */
function isCandidate(path: string): boolean {
  if (path.includes("/") || path.startsWith(".") || NO_MODEL.test(path)) return false;
  const plain = path.endsWith(INDEX) ? path.slice(0, -INDEX.length) : path;
  return ENDINGS.some((ending) => plain.endsWith(ending)) && shardName(plain) === undefined;
}

/** Less is better; equal ranks are no choice. */
function rankOf(path: string): number {
  const isIndex = path.endsWith(INDEX);
  const plain = isIndex ? path.slice(0, -INDEX.length) : path;
  const ending = ENDINGS.findIndex((candidate) => plain.endsWith(candidate));
  const usual = USUAL.indexOf(plain.slice(0, -ENDINGS[ending]!.length));
  const rank = 2 * ending + (isIndex ? 0 : 1);
  const ranks = 2 * ENDINGS.length;
  return usual < 0 ? USUAL.length * ranks + rank : rank * USUAL.length + usual;
}

function whyNone(paths: readonly string[], name: string): string {
  const known = whyFolderNotRead(paths, name);
  if (known !== undefined) return known;
  const shards = paths.filter((path) => shardName(path) !== undefined && !path.includes("/"));
  if (shards.length > 0) {
    const [shard] = shards;
    return `${name} holds shards (${listFirst(shards, 3)}) and no index, expected ${indexFor(shard!)}`;
  }
  const deeper = paths.filter((path) => holdsWeights(path) && path.includes("/"));
  const inside = [...new Set(deeper.map((path) => path.slice(0, path.lastIndexOf("/"))))];
  if (inside.length > 0) {
    const what = paths.includes("model_index.json") ? "is a diffusers pipeline of" : "holds no model, but folders with";
    return `${name} ${what} ${listFirst(inside)}, expected one of them: name that folder`;
  }
  const others = paths.filter((path) => OTHER_WEIGHTS.test(path));
  const found = others.length > 0 ? ` (${listFirst(others)} is not supported)` : "";
  const files = paths.length === 0 ? "is empty" : `has no model among its ${paths.length} files${found}`;
  return `${name} ${files}, expected model.safetensors, an index of shards, or ${describe("pytorch_model.bin")}`;
}

function indexFor(shard: string): string {
  const { stem, ending } = shardName(shard)!;
  return `${stem}${ending}${INDEX}`;
}
