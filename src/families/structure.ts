/**
 * What names and shapes show other than a chain: two networks, several heads, blocks that a skip connection may run
 * around, branches side by side. All of it is refused: a chain's spec would change what such networks compute.
 */

import { SpecError } from "../base/errors.ts";
import type { Module, Modules } from "./modules.ts";
import { countsAsFlax } from "./order.ts";
import {
  EARLIER,
  foreignWord,
  LAST,
  LATER,
  namesEmbedding,
  numbersBlocks,
  placeOf,
  strangeWord,
} from "./vocabulary.ts";
import type { PathWord } from "./words.ts";

/** A refusal that ends with what to do next. */
export const unlikeChain = (found: string): SpecError =>
  new SpecError(`${found}; if it is a plain chain, give --assume chain`);

/** Refuses names with a word that no plain chain has, names of two networks, and of several heads. */
export function checkNames({ modules, prefix }: Modules): void {
  const operations = modules.filter(({ kind }) => kind !== "norm");
  refuseNetworks(operations);
  for (const part of prefix) {
    refuseWord(modules[0]!, foreignWord(part));
  }
  for (const module of modules) {
    for (const part of module.parts) {
      if (module.kind !== "embedding" || !namesEmbedding([part])) refuseWord(module, strangeWord(part));
    }
  }
  refuseHeads(operations, 0);
}

function refuseWord({ name }: Module, word: string | undefined): void {
  if (word === undefined) return;
  const found = `${name} is named after ${JSON.stringify(word)}`;
  throw /^att/.test(word) ? new SpecError(`${found}, and no table knows this network`) : unlikeChain(found);
}

/** Modules by the word at which they part; `byStem` without its number in Flax's names, which number a Sequential so. */
function parted(modules: readonly Module[], depth: number, byStem = false): Map<string, Module[]> {
  const groups = new Map<string, Module[]>();
  for (const module of modules) {
    const part = module.parts[depth];
    const text = (byStem && countsAsFlax(module) ? part?.stem : part?.text) ?? "";
    const same = groups.get(text);
    if (same === undefined) groups.set(text, [module]);
    else same.push(module);
  }
  return groups;
}

/** How many words all modules share from `depth` on. */
function sharedFrom(modules: readonly Module[], depth: number): number {
  const [first] = modules;
  let at = depth;
  while (
    first !== undefined &&
    modules.every(({ parts }) => parts.length > at + 1 && parts[at]!.text === first.parts[at]!.text)
  )
    at++;
  return at;
}

/** Two containers of several operations that no order of their words ties to each other are two networks. */
function refuseNetworks(modules: readonly Module[], from = 0): void {
  const depth = sharedFrom(modules, from);
  const groups = [...parted(modules, depth)].filter(
    ([, group]) => group.length > 1 && group[0]!.parts.length > depth + 1,
  );
  for (const [i, [, group]] of groups.entries()) {
    for (const [, other] of groups.slice(i + 1, i + 9)) {
      if (areTwoNetworks(group, other, depth)) throw twoNetworks(group, other, depth);
    }
    refuseNetworks(group, depth + 1);
  }
}

function areTwoNetworks(group: readonly Module[], other: readonly Module[], depth: number): boolean {
  const [a, b] = [group[0]!.parts[depth]!, other[0]!.parts[depth]!];
  if (a.stem === b.stem) return !numbersBlocks(a);
  const pure = (modules: readonly Module[], kind: string): boolean => modules.every((module) => module.kind === kind);
  if ((pure(group, "conv") && pure(other, "dense")) || (pure(group, "dense") && pure(other, "conv")))
    return strangeWord(a) !== undefined && strangeWord(b) !== undefined;
  return placeOf(a) === placeOf(b);
}

function twoNetworks(group: readonly Module[], other: readonly Module[], depth: number): SpecError {
  const [a, b] = [commonStart(group), commonStart(other)];
  // Within a block they are its branches, such as attention and feed-forward, and no network of their own.
  if (group[0]!.parts.slice(0, depth).some(({ isIndex }) => isIndex))
    return new SpecError(`model has ${a}… and ${b}… in one block, and names do not show their order`);
  return new SpecError(`model seems to hold two networks, ${a}… and ${b}…: choose one by --prefix ${a}`);
}

/** What the names of tensors have in common, up to a `.` or `/`. */
function commonStart(modules: readonly Module[]): string {
  let start = modules[0]!.name;
  while (!modules.every(({ name }) => name.startsWith(start))) start = start.slice(0, -1);
  return start.replace(/[^./]*$/, "");
}

/** Outputs that may be a decoder's own. */
const OWN = ["output", "out", "final", "last"];

/** Two outputs side by side, or a head beside a decoder. */
function refuseHeads(operations: readonly Module[], from: number): void {
  const depth = sharedFrom(operations, from);
  const last = operations.filter(({ parts }) => parts[depth] !== undefined && placeOf(parts[depth]) === LAST);
  for (const kind of ["conv", "dense"]) {
    const heads = [
      ...parted(
        last.filter((module) => module.kind === kind),
        depth,
        true,
      ).values(),
    ];
    if (heads.length > 1 && depth < 2) throw severalHeads(heads[0]![0]!, heads[1]![0]!);
  }
  // A list of heads: numbered one after the other, reading alike. A Sequential has activations between.
  const beside = last.find(
    ({ parts, in: input }) =>
      parts[depth + 1]?.isIndex === true &&
      last.some(
        (other) => other.in === input && other.parts[depth + 1]?.numbers[0] === parts[depth + 1]!.numbers[0]! + 1,
      ),
  );
  if (beside !== undefined) throw severalHeads(beside, last.find((module) => module !== beside)!);
  const head = last.find(({ parts }) => !parts[depth]!.subwords.some((word) => OWN.includes(word)));
  const decoder = operations.find(({ parts }) => parts[depth] !== undefined && placeOf(parts[depth]) === LATER);
  if (head !== undefined && decoder !== undefined) throw severalHeads(decoder, head);
}

const severalHeads = (a: Module, b: Module): SpecError =>
  unlikeChain(`${a.name} and ${b.name} are named like two outputs`);

/** Refuses blocks that keep their width, which a skip connection may run around. */
export function refuseBlocks(operations: readonly Module[]): void {
  const blocks = new Map<string, { part: PathWord; members: number[] }>();
  for (const [i, { parts }] of operations.entries()) {
    for (const [depth, part] of parts.entries()) {
      const name = depth < parts.length - 1 ? part.text : blockOf(part.text);
      if (name === undefined) continue;
      const key = [...parts.slice(0, depth).map(({ text }) => text), name].join(".");
      const block = blocks.get(key) ?? { part, members: [] };
      block.members.push(i);
      blocks.set(key, block);
    }
  }
  const widthBefore = ([at]: readonly number[]): number => operations[at! - 1]?.out ?? operations[at!]!.in;
  const keep = ({ members }: { members: number[] }): boolean =>
    widthBefore(members) === operations[members.at(-1)!]!.out;
  // Where block after block widens with nothing beside it, as in a VGG, the last one needs nothing either.
  const changing = [...blocks.values()].filter((block) => !keep(block)).length;
  const suspects = [...blocks].filter(
    ([, block]) =>
      block.members.length > 1 &&
      block.members.length < operations.length &&
      keep(block) &&
      mayBeBlock(block.part, operations, block.members),
  );
  const [suspect] = suspects;
  if (
    suspect === undefined ||
    (suspects.length === 1 && changing > 3 && suspect[1].members.at(-1)! > operations.length / 2)
  )
    return;
  const [key, { members }] = suspect;
  throw unlikeChain(
    `${key} holds ${members.length} tensors and keeps its width ${widthBefore(members)}: a skip connection may run around it`,
  );
}

/** `block5_conv1` is in block5, `conv5_1` in nothing. */
function blockOf(text: string): string | undefined {
  return /^([a-z]+[_-]?\d+)[_-]?[a-z]+/i.exec(text)?.[1];
}

/** Containers that skip connections run around, as those of layers and features do not. */
const BLOCK_WORDS = "block body group main bottleneck stage neck mid middle".split(" ");

function mayBeBlock(part: PathWord, operations: readonly Module[], members: readonly number[]): boolean {
  if (part.numbers.length > 0) return true;
  const begins = members[0] === 0 || operations[members[0]! - 1]!.kind === "conv";
  return part.subwords.some((word) => BLOCK_WORDS.includes(word) || (word === "mlp" && !begins));
}

/** Refuses convolutions side by side, and dense tensors that may read several results put together. */
export function refuseBranches(operations: readonly Module[]): void {
  const convs = operations.filter(({ kind }) => kind === "conv");
  const first = operations.find(({ kind }) => kind === "dense");
  const [conv] = convs;
  refuseGroups(operations);
  if (conv === undefined || first === undefined) return;
  const width = convs.at(-1)!.out;
  const positions = first.in / width;
  const parallel = convs.length > 1 && convs.every((each) => each.in === conv.in && each.out === conv.out);
  const kernels = new Set(convs.map(({ kernel }) => kernel.join()));
  const sideBySide = parallel && (positions === convs.length || (kernels.size > 1 && positions % convs.length === 0));
  if (positions > 1 && (sideBySide || isSum(convs, first.in))) throw together(first, width);
  if (positions !== 3 || conv.kernel.length > 1) refuseTogether(first, width);
}

/** Refuses two or three times the channels that flow: results put together as likely as a flatten. */
export function refuseTogether(dense: Module, width: number): void {
  if (dense.kind === "dense" && [2, 3].includes(dense.in / width)) throw together(dense, width);
}

const together = ({ name, in: input }: Module, width: number): SpecError =>
  unlikeChain(`${name} takes ${input} inputs, which can be several results of ${width} put together`);

/** True where the last convolutions' channels together make `total`. */
function isSum(convs: readonly Module[], total: number): boolean {
  let sum = 0;
  const widths = new Set<number>();
  for (const { out } of convs.toReversed()) {
    sum += out;
    widths.add(out);
    if (sum === total) return widths.size > 1;
  }
  return false;
}

/** A convolution that takes fewer channels than flow is grouped, unless it can read something earlier. */
export function refuseGroups(operations: readonly Module[]): void {
  const widths = new Set([operations[0]!.in]);
  for (const [i, { name, kind, in: input, out }] of operations.entries()) {
    const before = operations[i - 1];
    if (before !== undefined && kind === "conv" && input !== before.out && widths.has(input))
      throw unlikeChain(`${name} takes ${input} of ${before.out} channels: it can read an earlier tensor`);
    widths.add(out);
  }
}

/** True for words of places that come early: an encoder's convolutions are ordinary. */
export const isEarly = ({ parts }: Module): boolean => parts.some((part) => placeOf(part) === EARLIER);
