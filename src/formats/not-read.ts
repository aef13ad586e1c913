/**
 * Kinds of files that are known and not read: why, and what to make of them. Loaded with other formats than
 * safetensors.
 */

import { describe } from "../base/describe.ts";

/** What a file is, and what is to be done. */
interface NotRead {
  matches(head: Uint8Array, text: string, name: string): boolean;
  readonly what: string;
}

const SAVED_MODEL =
  "a SavedModel of TensorFlow, whose weights are in tables (variables/), expected a file of Keras or TensorFlow.js: keras.models.load_model(FOLDER).save('model.keras'), or tensorflowjs_converter --input_format=tf_saved_model FOLDER OUT";

const ORBAX =
  "an Orbax checkpoint, which is a database of pieces, expected one file: restore it in Python and write it by safetensors.flax.save_file, flax.serialization.to_bytes or numpy.savez";

const KINDS: readonly NotRead[] = [
  {
    matches: (_, text) => text.startsWith("GGUF"),
    what: "a GGUF file, whose numbers are mostly packed in blocks that cannot be put in another order, expected the checkpoint that it was made from (safetensors, PyTorch)",
  },
  {
    matches: (_, text) => text.slice(4, 8) === "TFL3",
    what: "a TensorFlow Lite model, which was compiled from another, expected that one: a file of Keras, ONNX or TensorFlow.js",
  },
  {
    matches: (head, _, name) => /(^|[\\/])saved_model\.pb$/i.test(name) || (/\.pb$/i.test(name) && head[0] === 8),
    what: SAVED_MODEL,
  },
  {
    matches: (_, text, name) =>
      /(^|[\\/])(_METADATA|_CHECKPOINT_METADATA|manifest\.ocdbt)$/.test(name) || /^\s*\{\s*"tree_metadata"/.test(text),
    what: ORBAX,
  },
];

/** A sentence on a file that is known and not read; undefined for others. */
export function whyNotRead(head: Uint8Array, name: string): string | undefined {
  const text = String.fromCharCode(...head.subarray(0, 256));
  const kind = KINDS.find((each) => each.matches(head, text, name));
  return kind && `${name} is ${kind.what}`;
}

/** The same of a folder, by the paths in it. */
export function whyFolderNotRead(paths: readonly string[], name: string): string | undefined {
  const has = (pattern: RegExp): string | undefined => paths.find((path) => pattern.test(path));
  const graph = has(/(^|\/)saved_model\.pb$/);
  if (graph !== undefined) return `${name} holds ${describe(graph)}: ${SAVED_MODEL}`;
  const table = has(/(^|\/)(_METADATA|_CHECKPOINT_METADATA|manifest\.ocdbt)$/);
  return table === undefined ? undefined : `${name} holds ${describe(table)}: ${ORBAX}`;
}
