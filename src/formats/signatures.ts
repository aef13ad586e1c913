/** What a file looks like from its first bytes, so that the wrong kind of file gets a message that names its kind. */

import { HEAD_BYTES } from "./format.ts";
import { looksLikeSafetensors } from "./safetensors/looks-like-safetensors.ts";
import { isZip } from "./zip-head.ts";

/** Name and guess, for the formats people keep networks in, and for what is found in their place by mistake. */
interface Signature {
  readonly format: string;
  matches(head: Uint8Array, text: string): boolean;
}

const starts =
  (...bytes: number[]) =>
  (head: Uint8Array): boolean =>
    bytes.every((byte, i) => head[i] === byte);

const isJson = (text: string): boolean => /^(\xef\xbb\xbf)?\s*[{[]/.test(text);

/** Ordered: the particular before the general. `text` is the head as Latin-1, one character a byte. */
const SIGNATURES: readonly Signature[] = [
  { format: "a zip archive of another kind", matches: isZip },
  {
    format: "a Python pickle, but not one of torch.save",
    matches: (head) => head[0] === 0x80 && head[1]! >= 2 && head[1]! <= 5,
  },
  { format: "a GGUF file", matches: (_, text) => text.startsWith("GGUF") },
  { format: "a TensorFlow Lite model", matches: (_, text) => text.slice(4, 8) === "TFL3" },
  { format: "a gzip archive", matches: starts(0x1f, 0x8b) },
  {
    format: "a Git LFS pointer (run `git lfs pull`)",
    matches: (_, text) => text.startsWith("version https://git-lfs"),
  },
  { format: "a web page", matches: (_, text) => /^\s*<(!doctype|html|\?xml)/i.test(text) },
  {
    format: "an index of sharded safetensors (model.safetensors.index.json)",
    matches: (_, text) => isJson(text) && text.includes('"weight_map"'),
  },
  {
    format: "a TensorFlow.js model (model.json)",
    matches: (_, text) => isJson(text) && /"(modelTopology|weightsManifest|(graph|layers)-model)"/.test(text),
  },
  { format: "a JSON file", matches: (_, text) => isJson(text) },
  // ONNX is a protobuf without a signature: field 1 (ir_version, a small number), then a field of ModelProto.
  {
    format: "an ONNX model",
    matches: (head) => head[0] === 0x08 && head[1]! > 0 && head[1]! < 32 && ONNX_NEXT.includes(head[2]!),
  },
  // Flax checkpoints are MessagePack: a small map whose first key is a short string.
  {
    format: "a Flax checkpoint (MessagePack)",
    matches: (head) => head[0]! >> 4 === 8 && head[1]! >> 5 === 5,
  },
  // Eight bytes of text, read as a header's length, are beyond any file's size.
  { format: "a text file", matches: (_, text) => /^[\t\n\r -~\x80-\xff]{8,}$/.test(text) },
];

/** Tags of ModelProto's fields 2 to 8, 14 and 20. */
const ONNX_NEXT: readonly number[] = [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72, 0xa2];

/**
 * Names the known format that the first bytes of a file look like; undefined for safetensors, and for anything else.
 *
 * @example
 * guessFormat(new TextEncoder().encode("GGUF…")); // "a GGUF file"
 */
export function guessFormat(head: Uint8Array): string | undefined {
  if (looksLikeSafetensors(head)) return undefined;
  // One character a byte: patterns never fail on bytes that are no UTF-8.
  let text = "";
  for (const byte of head.subarray(0, HEAD_BYTES)) text += String.fromCharCode(byte);
  return SIGNATURES.find((signature) => signature.matches(head, text))?.format;
}
