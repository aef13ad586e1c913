/** Residual blocks by their names: `layer1.0.conv1`, `stages.0.blocks.1.conv2`, `blockgroups_0/blocks_0/…`. */

import type { Module } from "./modules.ts";
import { compareNatural } from "./order.ts";

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
 * has at least two convolutions, and a stem's convolution stands outside.
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
