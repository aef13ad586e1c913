/**
 * One name in two forms: `params/0/kernel` of an archive of NumPy is `params.0.kernel` elsewhere, and wrappers put
 * a word before.
 */

import type { Model, TensorInfo } from "../base/model.ts";

/**
 * `model` with the names of `like`, where its own differ in form alone. That is `/` or `['a']['b']` where the other has
 * `.`, or one prefix before every name, as from DataParallel (`module.`), `torch.compile` and Lightning. Each name of
 * one must be just one of the other; else `model` itself is returned, as it is when the names are the same. What they
 * hold is not compared.
 *
 * @example
 * const renamed = namedAs(b, a);
 * if (renamed !== b) console.log(`${b.name} is read with the names of ${a.name}`);
 */
export function namedAs(model: Model, like: Model): Model {
  if (model.tensors.size !== like.tensors.size || hasAll(model.tensors, like.tensors.keys())) return model;
  const own = byForm(model.tensors.keys());
  const others = byForm(like.tensors.keys());
  if (own === undefined || others === undefined) return model;
  const names = pairUp(own, others);
  if (names === undefined) return model;
  const tensors = new Map<string, TensorInfo>();
  const ownNames = new Map<string, string>();
  for (const [name, info] of model.tensors) {
    const other = names.get(name)!;
    tensors.set(other, info);
    ownNames.set(other, name);
  }
  return {
    name: model.name,
    tensors,
    metadata: model.metadata,
    // Of an unknown name the model says that there is none.
    read: (name, ...words) => model.read(ownNames.get(name) ?? name, ...words),
    close: async () => model.close?.(),
  };
}

function hasAll(tensors: ReadonlyMap<string, unknown>, names: Iterable<string>): boolean {
  for (const name of names) if (!tensors.has(name)) return false;
  return true;
}

/** `['a'][0]` → `a.0`, `a/b` → `a.b`. */
export function formOf(name: string): string {
  const dotted = name.includes("[") ? name.replaceAll(/\[(?:'([^']*)'|"([^"]*)"|(\w+))\]/g, ".$1$2$3") : name;
  return dotted.replaceAll("/", ".").replace(/^\.+/, "");
}

/** Names by their form; undefined when two have the same. */
function byForm(names: Iterable<string>): Map<string, string> | undefined {
  const forms = new Map<string, string>();
  for (const name of names) {
    const form = formOf(name);
    if (forms.has(form)) return undefined;
    forms.set(form, name);
  }
  return forms;
}

/** Prefixes that are tried: each takes a walk over all names. */
const MOST_PREFIXES = 32;

/** Each of `own` names, and the other's name for it; undefined when there is no prefix that makes them the same. */
function pairUp(
  own: ReadonlyMap<string, string>,
  others: ReadonlyMap<string, string>,
): Map<string, string> | undefined {
  const [first] = own.keys();
  const tried = new Set<string>();
  for (const other of others.keys()) {
    const [longer, shorter] = first!.length >= other.length ? [first!, other] : [other, first!];
    const prefix = longer.slice(0, longer.length - shorter.length);
    if (!longer.endsWith(shorter) || (prefix !== "" && !prefix.endsWith("."))) continue;
    if (tried.size > MOST_PREFIXES || tried.has(`${longer === first} ${prefix}`)) continue;
    tried.add(`${longer === first} ${prefix}`);
    const names = withPrefix(own, others, prefix, longer === first);
    if (names !== undefined) return names;
  }
  return undefined;
}

function withPrefix(
  own: ReadonlyMap<string, string>,
  others: ReadonlyMap<string, string>,
  prefix: string,
  isOwn: boolean,
): Map<string, string> | undefined {
  const names = new Map<string, string>();
  for (const [form, name] of own) {
    if (isOwn && !form.startsWith(prefix)) return undefined;
    const other = others.get(isOwn ? form.slice(prefix.length) : prefix + form);
    if (other === undefined) return undefined;
    names.set(name, other);
  }
  return names;
}
