/** Which tensor of a checkpoint is which of an exported graph: exporters rename, transpose and fold. */

import { DTYPES } from "../base/dtype.ts";
import type { Model } from "../base/model.ts";
import { compareNaturally } from "../base/natural-order.ts";
import { fingerprint, turnings } from "./tensor-content.ts";

/** A tensor of the graph's file and the one of the checkpoint in its place. */
export interface TensorLink {
  /** Its name in the graph's file. */
  readonly graph: string;
  /** Its name in the checkpoint. */
  readonly tensor: string;
  /** What shows it: names, equal numbers, or no more than shapes and order. */
  readonly by: "name" | "content" | "shape";
  /** Axis i of the graph's tensor is axis `order[i]` of the checkpoint's. Undefined: the same. */
  readonly order?: readonly number[] | undefined;
}

/** What was found. */
export interface Linked {
  readonly links: readonly TensorLink[];
  /** Float tensors of the graph's file that have no counterpart. */
  readonly graphLeft: readonly string[];
  /** Float tensors of the checkpoint that have none. */
  readonly left: readonly string[];
}

/** What is not linked yet, in file order. */
interface Left {
  readonly file: Model;
  readonly model: Model;
  readonly graph: Set<string>;
  readonly tensors: Set<string>;
  readonly links: TensorLink[];
}

/**
 * Links tensors of `file`, which carries a graph, to those of `model`: by name, then by content, then by shape and
 * order where these leave no choice. Tensors that are no floats link by name alone. Reads what names do not link.
 */
export async function linkTensors(file: Model, model: Model, signal?: AbortSignal): Promise<Linked> {
  const left: Left = { file, model, graph: floatsOf(file), tensors: floatsOf(model), links: [] };
  linkNames(left);
  if (left.graph.size > 0) await linkContents(left, signal);
  linkShapes(left);
  if (left.tensors.size > 0) await linkCopies(left, signal);
  return { links: left.links, graphLeft: [...left.graph], left: [...left.tensors] };
}

function floatsOf({ tensors }: Model): Set<string> {
  return new Set([...tensors].filter(([, { dtype }]) => DTYPES[dtype].kind === "float").map(([name]) => name));
}

function link(left: Left, found: TensorLink): void {
  left.graph.delete(found.graph);
  left.tensors.delete(found.tensor);
  left.links.push(found);
}

/** Equal names, or equal but for what begins all names of one side: "model.", "module.". */
function linkNames(left: Left): void {
  const { file, model } = left;
  const [extra, missing] = bestPrefixes([...file.tensors.keys()], [...model.tensors.keys()]);
  for (const graph of file.tensors.keys()) {
    if (!graph.startsWith(extra)) continue;
    const tensor = missing + graph.slice(extra.length);
    const [own, other] = [file.tensors.get(graph)!, model.tensors.get(tensor)];
    if (other !== undefined && own.shape.join() === other.shape.join()) link(left, { graph, tensor, by: "name" });
  }
}

/** What to take from the graph's names and what to put before them so that most are names of the checkpoint. */
function bestPrefixes(graph: readonly string[], tensors: readonly string[]): readonly [string, string] {
  const known = new Set(tensors);
  const pairs: (readonly [string, string])[] = [["", ""]];
  for (const prefix of prefixesOf(graph)) pairs.push([prefix, ""]);
  for (const prefix of prefixesOf(tensors)) pairs.push(["", prefix]);
  let best: readonly [pair: readonly [string, string], count: number] = [pairs[0]!, 0];
  for (const pair of pairs) {
    const [extra, missing] = pair;
    const count = graph.filter(
      (name) => name.startsWith(extra) && known.has(missing + name.slice(extra.length)),
    ).length;
    if (count > best[1]) best = [pair, count];
  }
  return best[0];
}

/** Words before the first dots of names: "model.", "model.net.". */
function prefixesOf(names: readonly string[]): string[] {
  const found = new Set<string>();
  for (const name of names) for (const [prefix] of name.matchAll(/^[^./]+[./](?:[^./]+[./])?/g)) found.add(prefix);
  for (const name of names) for (const [prefix] of name.matchAll(/^[^./]+[./]/g)) found.add(prefix);
  return [...found];
}

/** A tensor of the checkpoint may be two of the graph's: exporters copy tied ones. */
async function linkContents(left: Left, signal: AbortSignal | undefined): Promise<void> {
  const { file, model } = left;
  const byContent = new Map<string, string[]>();
  for (const name of floatsOf(model)) {
    const print = await fingerprint(model, name, signal);
    if (print !== undefined) byContent.set(print, [...(byContent.get(print) ?? []), name]);
  }
  for (const graph of [...left.graph]) {
    const print = await fingerprint(file, graph, signal);
    const equal = print === undefined ? [] : (byContent.get(print) ?? []);
    const free = equal.filter((name) => left.tensors.has(name));
    const [tensor, ...others] = free.length > 0 ? free : equal;
    // Two with the same numbers: nothing shows which one it is.
    if (tensor === undefined || others.length > 0) continue;
    const [order] = await turnings({ model: file, name: graph }, { model, name: tensor }, signal);
    if (order === undefined) continue;
    const isSame = order.every((at, i) => at === i);
    link(left, { graph, tensor, by: "content", order: isSame ? undefined : order });
  }
}

/**
 * Exporters keep one of several tensors with the same bytes: biases that are zero, or that are added to the same sum.
 * What is left of the checkpoint is a copy of that one, if there is one only.
 */
async function linkCopies(left: Left, signal: AbortSignal | undefined): Promise<void> {
  const { model } = left;
  const linked = [...left.links];
  for (const name of [...left.tensors]) {
    const info = model.tensors.get(name)!;
    const bytes = await model.read(name, signal);
    const originals = new Map<string, TensorLink>();
    for (const found of linked) {
      const other = model.tensors.get(found.tensor)!;
      if (other.dtype !== info.dtype || other.shape.join() !== info.shape.join()) continue;
      if (isEqual(bytes, await model.read(found.tensor, signal))) originals.set(found.graph, found);
    }
    const [original] = originals.values();
    if (originals.size === 1) link(left, { ...original!, tensor: name, by: "content" });
  }
}

const isEqual = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i]);

/**
 * Tensors of a shape that as many are left of on both sides, in the order of the files. Not matrices of equal sides,
 * which may be transposed, and not where the checkpoint's order is not that of its names: it may be sorted by anything.
 */
function linkShapes(left: Left): void {
  const shapesOf = (model: Model, names: Iterable<string>, turn: boolean): Map<string, string[]> => {
    const groups = new Map<string, string[]>();
    for (const name of names) {
      const { shape } = model.tensors.get(name)!;
      const key = (turn && shape.length === 2 ? [...shape].sort((a, b) => a - b) : shape).join();
      groups.set(key, [...(groups.get(key) ?? []), name]);
    }
    return groups;
  };
  const others = shapesOf(left.model, left.tensors, true);
  for (const [key, graph] of shapesOf(left.file, left.graph, true)) {
    const tensors = others.get(key) ?? [];
    const [first, second] = [graph, tensors].map((names) => names[0]);
    if (first === undefined || second === undefined || graph.length !== tensors.length || !isOrdered(tensors)) continue;
    const turns = graph.map((name, i) =>
      turnOf(left.file.tensors.get(name)!.shape, left.model.tensors.get(tensors[i]!)!.shape),
    );
    if (turns.some((turn) => turn === "open")) continue;
    for (const [i, name] of graph.entries())
      link(left, { graph: name, tensor: tensors[i]!, by: "shape", order: turns[i] === "turned" ? [1, 0] : undefined });
  }
}

const isOrdered = (names: readonly string[]): boolean =>
  names.every((name, i) => i === 0 || compareNaturally(names[i - 1]!, name) < 0);

function turnOf(shape: readonly number[], other: readonly number[]): "same" | "turned" | "open" {
  if (shape.length === 2 && shape[0] === shape[1]) return "open";
  return shape.join() === other.join() ? "same" : "turned";
}
