/** YAML → plain values, and where in the file each key is. JSON is YAML, too. */

import { type Document, isMap, isNode, isSeq, LineCounter, type Node, parseAllDocuments } from "yaml";
import { FormatError } from "../../base/errors.ts";
import { type KeyPath, keyText, type Locate } from "../shape.ts";

/** One document of a file. */
export interface YamlDocument {
  readonly value: unknown;
  /** `recipe.yaml:12 blend.density`: the line of the key, or of the innermost one around it that is there. */
  readonly locate: Locate;
}

/** A recipe is a page of text; anything far longer is another file. */
const MOST_CHARACTERS = 2 ** 24;

/** Text between `{` and `[` that is nested deeper is after the parser's stack. */
const MOST_OPEN = 64;

/**
 * The documents of a YAML text; empty ones are left out.
 *
 * @throws {FormatError} with the file's name and the line, for text that is no YAML, a key given twice, and aliases
 * that expand to far more than they are.
 */
export function readYaml(text: string, name: string): YamlDocument[] {
  if (text.length > MOST_CHARACTERS)
    throw new FormatError(`${name} has ${text.length} characters, expected at most ${MOST_CHARACTERS} of a recipe`);
  const deep = new RegExp(`(?:[[{]\\s*){${MOST_OPEN}}`).exec(text);
  if (deep !== null) throw new FormatError(`${name} is nested ${MOST_OPEN} deep, expected a recipe`);
  const lines = new LineCounter();
  let documents: readonly Document[];
  try {
    const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
    documents = Array.isArray(parsed) ? parsed : [];
  } catch (cause) {
    throw new FormatError(`${name} is not YAML (${(cause as Error).message}), expected a recipe`, { cause });
  }
  return documents.filter(({ contents }) => contents !== null).map((document) => readDocument(document, name, lines));
}

function readDocument(document: Document, name: string, lines: LineCounter): YamlDocument {
  const lineAt = (offset: number): string => `${name}:${lines.linePos(offset).line}`;
  const [error] = document.errors;
  if (error !== undefined) throw new FormatError(`${lineAt(error.pos[0])} ${error.message}, expected YAML`);
  const locate: Locate = (path) => {
    const text = keyText(path);
    return `${lineAt(offsetOf(document.contents, path))}${text === "" ? "" : ` ${text}`}`;
  };
  try {
    return { value: document.toJS({ maxAliasCount: 100 }), locate };
  } catch (cause) {
    throw new FormatError(`${locate([])} ${(cause as Error).message}, expected a recipe`, { cause });
  }
}

/** Where a key begins; of one that is not there, the innermost around it that is. */
function offsetOf(contents: unknown, path: KeyPath): number {
  let node = contents;
  let offset = startOf(node);
  for (const key of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key: own }) => (isNode(own) ? own.toJSON() : own) === key);
      if (pair === undefined) break;
      offset = startOf(pair.key);
      node = pair.value;
    } else if (isSeq(node) && typeof key === "number" && node.items[key] !== undefined) {
      node = node.items[key];
      offset = startOf(node);
    } else break;
  }
  return offset;
}

const startOf = (node: unknown): number => (isNode(node) ? ((node as Node).range?.[0] ?? 0) : 0);
