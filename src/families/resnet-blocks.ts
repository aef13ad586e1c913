/** Residual blocks by their names: `layer1.0.conv1`, `stages.0.blocks.1.conv2`, `blockgroups_0/blocks_0/…`. */

import { SpecError } from "../base/errors.ts";
import type { Module } from "./modules.ts";
import { compareNatural, haveNoGaps } from "./order.ts";
import { LAST, placeOf, strangeWord } from "./vocabulary.ts";
import { type PathWord, partOf, pathNumbers } from "./words.ts";

/** Stage and block: the shortest match, so that `stages.0.layers.0.layer.0` is block 0 of stage 0. */
const STAGED =
  /^((?:.*?\.)?(?:layer|stage|group|block|blockgroup|res)s?[._]?\d+\.(?:(?:block|layer|unit|bottleneck|basic_?block)s?[._]?)?\d+)\.(.+)$/i;
/** Blocks without stages: `blocks.3`, `ResNetBlock_0`. */
const STAGELESS = /^((?:.*?\.)?\w*blocks?[._]?\d+)\.(.+)$/i;
const SHORTCUT = /shortcut|downsample|skip|proj|identity/i;

/** One block: the modules on its main path and those on its shortcut. */
export interface Block {
  readonly main: readonly Module[];
  readonly shortcut: readonly Module[];
}

export interface Blocks {
  /** By path, in the order in which they run. */
  readonly blocks: ReadonlyMap<string, Block>;
  /** Stem and head. */
  readonly outside: readonly Module[];
}

/**
 * Splits modules into residual blocks and the rest. Null when the names are not those of residual blocks: every block
 * has at least two convolutions, and a stem's convolution is outside.
 */
export function findBlocks(modules: readonly Module[]): Blocks | null {
  for (const pattern of [STAGED, STAGELESS]) {
    const found = new Map<string, { main: Module[]; shortcut: Module[] }>();
    const outside: Module[] = [];
    for (const module of modules) {
      const match = pattern.exec(module.path);
      if (match === null) {
        outside.push(module);
        continue;
      }
      const block = found.get(match[1]!) ?? { main: [], shortcut: [] };
      block[SHORTCUT.test(match[2]!) ? "shortcut" : "main"].push(module);
      found.set(match[1]!, block);
    }
    const full = [...found.values()].every(
      (block) => block.main.filter((module) => module.kind === "conv").length >= 2,
    );
    if (found.size === 0 || !full || !outside.some((module) => module.kind === "conv")) continue;
    return { blocks: new Map([...found].sort(([a], [b]) => compareNatural(a, b))), outside };
  }
  return null;
}

/**
 * Refuses what is no complete residual network: other modules in blocks or beside them, blocks of different kinds,
 * gaps.
 */
export function checkBlocks({ blocks, outside }: Blocks): void {
  const paths = [...blocks.keys()];
  const [first] = paths as [string];
  const forms = new Set([...blocks].map(([path, block]) => formOf(path, block)));
  const startOf = (path: string): string => path.slice(0, path.search(/\d/)).replace(/[^.]*$/, "");
  const other = paths.find((path) => startOf(path) !== startOf(first));
  if (other !== undefined) throw unlikeBlocks(`${first} and ${other} belong to two networks`);
  if (forms.size > 1) throw unlikeBlocks(`${first} is unlike other blocks`);
  if (!haveNoGaps(paths.map(pathNumbers))) throw unlikeBlocks(`${first} and other blocks are numbered with gaps`);
  checkOutside(outside);
}

const unlikeBlocks = (found: string): SpecError => new SpecError(`${found}, expected a known residual network`);

/** What blocks of one network have alike. Throws for a block that no known network has. */
function formOf(path: string, { main, shortcut }: Block): string {
  const of = (modules: readonly Module[], kind: string): Module[] => modules.filter((module) => module.kind === kind);
  const convs = of(main, "conv").sort((a, b) => compareNatural(a.path, b.path));
  const norms = of(main, "norm").length;
  const within = (module: Module): PathWord[] =>
    module.path
      .slice(path.length + 1)
      .split(".")
      .map(partOf);
  const stems = new Set(
    convs.map((conv) =>
      within(conv)
        .map(({ stem }) => stem)
        .join("."),
    ),
  );
  const words = main.flatMap((module) => within(module).map(strangeWord));
  const sides = convs.map(({ kernel }) => Math.max(...kernel));
  const known =
    stems.size === 1 &&
    convs.length < 4 &&
    (norms === 0 || norms === convs.length) &&
    convs.length + norms === main.length &&
    words.every((word) => word === undefined || word === "residual") &&
    (convs.length < 3 || (sides[0] === 1 && sides[2] === 1)) &&
    of(shortcut, "conv").length + of(shortcut, "norm").length === shortcut.length &&
    shortcut.length < 3 &&
    of(shortcut, "conv").length < 2;
  if (known) return `${convs.length} ${norms}`;
  const found = main.map((module) => module.path.slice(path.length + 1)).join(", ");
  throw new SpecError(`${path} has ${found}, expected numbered convolutions with norms`);
}

/** A stem of one convolution, or of numbered ones in one container; a head of one dense tensor, or numbered ones. */
function checkOutside(outside: readonly Module[]): void {
  const isStem = ({ kind, path }: Module): boolean => kind === "conv" && !isHead(path);
  for (const group of [outside.filter(isStem), outside.filter((module) => module.kind !== "norm" && !isStem(module))]) {
    const stems = new Set(group.map(({ path }) => path.replace(/\d+$/, "")));
    const [stem] = stems;
    const strange = group.find((module) =>
      module.path
        .split(".")
        .map(partOf)
        .some((part) => {
          const word = strangeWord(part);
          return (word !== undefined && !STEM_WORDS.has(word)) || (isStem(module) && placeOf(part) === LAST);
        }),
    );
    const beside = strange ?? (group.length > 1 && (stems.size > 1 || !stem!.includes(".")) ? group.at(-1) : undefined);
    if (beside !== undefined) throw unlikeBlocks(`${beside.name} stands outside of the residual blocks`);
  }
}

const STEM_WORDS = new Set("embedder init initial prep resnet project projection proj".split(" "));
const HEAD = /(^|\.)(head|fc|linear|classifier|logits|output|predictions?|dense|project(or|ion))(_?\d+)?(\.|$)/i;

/** True for words of a network's head. */
export const isHead = (path: string): boolean => HEAD.test(path);
