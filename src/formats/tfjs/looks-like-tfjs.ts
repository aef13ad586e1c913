/** Recognises TensorFlow.js's files: `model.json`, and manifests of weights alone. */

/** A group of a manifest has these two; which comes first, and how far the other is, nobody knows. */
const MANIFEST = /^(\xef\xbb\xbf)?\s*\[\s*\{\s*"(weights|paths)"\s*:\s*\[/;
const MODEL = /^(\xef\xbb\xbf)?\s*\{[\s\S]*"(modelTopology|weightsManifest|(tfjs-)?(graph|layers)-model)"/;

/** True for JSON that `openTfjs` should open: by its keys, or, where they come late, by its name. */
export function looksLikeTfjs(head: Uint8Array, name: string): boolean {
  if (!head.subarray(0, 64).some((byte) => byte === 0x7b || byte === 0x5b)) return false;
  let text = "";
  for (const byte of head) text += String.fromCharCode(byte);
  if (MANIFEST.test(text) || MODEL.test(text)) return true;
  return /^(\xef\xbb\xbf)?\s*[[{]/.test(text) && /(^|[\\/])(model\.json|[^\\/]*weights_manifest\.json)$/i.test(name);
}
