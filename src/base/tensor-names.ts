/**
 * What a tensor's name shows: the module it belongs to and its role there, in PyTorch's, Flax's and Keras's words.
 */

/** `counter` is BatchNorm's number of batches; `mean` and `variance` are running statistics. */
export type Role = "weight" | "bias" | "mean" | "variance" | "counter";

const ROLES: ReadonlyMap<string, Role> = new Map([
  ["weight", "weight"],
  ["kernel", "weight"],
  ["w", "weight"],
  ["scale", "weight"],
  ["gamma", "weight"],
  ["bias", "bias"],
  ["b", "bias"],
  ["beta", "bias"],
  ["running_mean", "mean"],
  ["moving_mean", "mean"],
  ["mean", "mean"],
  ["running_var", "variance"],
  ["moving_variance", "variance"],
  ["moving_var", "variance"],
  ["var", "variance"],
  ["num_batches_tracked", "counter"],
]);

/** Flax keeps a module's tensors in several trees; they are one module here. */
const COLLECTIONS: ReadonlySet<string> = new Set(["params", "batch_stats"]);

export interface TensorName {
  /** Words of the module's path, outermost first; Flax's collections are left out. */
  readonly path: readonly string[];
  /** The last word, as written: `kernel` means the layout of Flax or Keras. */
  readonly leaf: string;
  /** Undefined when the last word is none of the known ones. */
  readonly role: Role | undefined;
}

/** Splits a tensor's name at `.` and `/`, and where JAX's `keystr` has brackets: `['params']['Dense_0']['kernel']`. */
export function tensorName(name: string): TensorName {
  const words = (name.includes("['") ? withoutBrackets(name) : name).replaceAll("/", ".").split(".");
  const last = words.pop() ?? "";
  const leaf = last.endsWith(":0") ? last.slice(0, -2) : last;
  if (words.length > 0 && COLLECTIONS.has(words[0]!)) words.shift();
  return { path: words, leaf, role: ROLES.get(leaf) };
}

/** Rare, and so apart from what every matching calls. */
function withoutBrackets(name: string): string {
  return name.replaceAll(/\[(?:'([^']*)'|(\d+))\]/g, ".$1$2").replace(/^\./, "");
}

/** True for running statistics and counters, by name: they move with their norm and never vote. */
export function isStatistic(name: string): boolean {
  const { role } = tensorName(name);
  return role === "mean" || role === "variance" || role === "counter";
}

/** The container and the last word of a path. */
export function splitPath(path: string): [parent: string, word: string] {
  const dot = path.lastIndexOf(".");
  return [path.slice(0, Math.max(dot, 0)), path.slice(dot + 1)];
}
