/** Which files of a model's folder go along with it: what loaders need in addition to the tensors. */

import { FOLDER_SIDECAR } from "../sidecar.ts";
import { holdsWeights } from "./choose-file.ts";

/** Configuration, tokenizers, chat templates, code of the model. */
const ENDINGS = /\.(json|txt|model|jinja|tiktoken|spm|py|vocab|merges|bpe)$/i;

/** Files that go by their name alone. */
const NAMES = /^(LICENSE|LICENCE|NOTICE)(\.|$)/i;

/**
 * Those of `paths` that are copied. Left out: weights, the README and plan of the old model, hidden files, and folders
 * with other models' weights.
 */
export function companions(paths: readonly string[]): string[] {
  const others = new Set(paths.filter((path) => holdsWeights(path) && path.includes("/")).map(topFolder));
  return paths.filter((path) => {
    const parts = path.split("/");
    const name = parts.at(-1)!;
    if (
      path === FOLDER_SIDECAR ||
      parts.some((part) => part.startsWith(".")) ||
      (parts.length > 1 && others.has(topFolder(path)))
    )
      return false;
    return !holdsWeights(path) && (ENDINGS.test(name) || NAMES.test(name));
  });
}

const topFolder = (path: string): string => path.slice(0, path.indexOf("/"));
