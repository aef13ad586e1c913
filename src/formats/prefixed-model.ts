/** One of several networks in a file: the tensors whose names begin with a prefix. */

import { listFirst } from "../base/compare-tensors.ts";
import { describe } from "../base/describe.ts";
import { FormatError } from "../base/errors.ts";
import type { Model } from "../base/model.ts";

/**
 * The tensors of `model` whose names begin with `prefix`, under the names that are left; a `.` or `/` that follows it
 * goes with it. A view: closing it closes the model. Throws `FormatError` where there is none, with the words that
 * names do begin with.
 */
export function prefixedModel(model: Model, prefix: string): Model {
  const own = new Map<string, string>();
  const marked = /[./\]]$/.test(prefix) || prefix === "" ? [prefix] : [`${prefix}.`, `${prefix}/`];
  for (const start of marked) {
    for (const name of model.tensors.keys())
      if (name.startsWith(start) && name.length > start.length) own.set(name.slice(start.length), name);
  }
  if (own.size === 0 && model.tensors.size > 0) throw prefixFault(model, prefix);
  return {
    name: model.name,
    tensors: new Map([...own].map(([short, name]) => [short, model.tensors.get(name)!])),
    metadata: model.metadata,
    beside: model.beside,
    async read(name, ...words) {
      const full = own.get(name);
      if (full === undefined)
        throw new RangeError(
          `${model.name} has no tensor ${describe(name)} behind ${describe(prefix)}, expected one of its names`,
        );
      return model.read(full, ...words);
    },
    async close() {
      await model.close?.();
    },
  };
}

function prefixFault({ name, tensors }: Model, prefix: string): FormatError {
  const starts = new Set([...tensors.keys()].map((tensor) => /^[^./]*[./]?/.exec(tensor)![0]));
  return new FormatError(
    `${name} has no tensor whose name begins with ${describe(prefix)}, expected one of ${listFirst([...starts])}`,
  );
}
