/** The graph in Keras' JSON, with the tensors of the file beside it. */

import { describe } from "../../base/describe.ts";
import { FormatError } from "../../base/errors.ts";
import { findKeyFault } from "../../base/json-keys.ts";
import type { OperatorGraph } from "../../graph/operators.ts";
import { kerasGraph } from "./graph/keras-graph.ts";
import { type KerasModel, readKerasConfig } from "./graph/read-config.ts";
import { type FindLayer, namedVariables, numberedVariables } from "./graph/variables.ts";

const MAX_JSON_DEPTH = 256;

/** Parses Keras' JSON of a model. Throws `FormatError`, naming the file, for what is none. */
export function parseConfig(text: string, file: string): KerasModel | undefined {
  const fault = findKeyFault(text, MAX_JSON_DEPTH);
  if (fault?.tooDeep !== undefined)
    throw new FormatError(`${file} has JSON nested ${fault.tooDeep} deep, expected at most ${MAX_JSON_DEPTH}`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(`${file} has ${describe(text)} as its configuration, expected JSON of Keras`, { cause });
  }
  return readKerasConfig(json, file);
}

/** Finds variables of layers among these names of tensors, numbered by Keras 3 or named. */
export function findVariables(model: KerasModel, names: Iterable<string>): FindLayer {
  const all = new Set(names);
  const isNumbered = [...all].some((name) => /\/vars\/\d+$/.test(name));
  return isNumbered ? numberedVariables(model, all) : namedVariables(all);
}

/** The graph of a model whose tensors have these names. */
export function graphOfConfig(
  model: KerasModel,
  names: Iterable<string>,
  file: string,
  producer?: string,
): OperatorGraph {
  return kerasGraph(model, findVariables(model, names), file, producer);
}
