/**
 * Networks that are no plain chains, or that only look like one, in kinds: none may be aligned by a spec that changes what it
 * computes. Names and sizes are ours; shapes fit a chain wherever they can.
 */
import { mlp } from "./chains.ts";
import { each } from "./kind-lists.ts";
import {
  ATTENTION,
  attention,
  autoencoder,
  DEPTHWISE,
  depthwise,
  EMBEDDINGS,
  embedded,
  GENERATORS,
  GROUP_NORMS,
  generator,
  groupNormed,
  HEADS,
  headed,
  PAIRS,
  pair,
  RECURRENCE,
  recurrent,
  TRANSPOSED,
} from "./kinds-by-layer.ts";
import {
  ALIASES,
  aliased,
  BESIDE,
  BLOCKS,
  besideBlocks,
  blockNet,
  CONCATENATIONS,
  COUNTDOWN,
  countdown,
  GATES,
  gated,
  NORM_PLACES,
  poolPair,
  SHORTCUTS,
  SQUEEZE,
  shortcut,
  squeezed,
  TEXT,
  textNet,
  twoScales,
  UNSORTED,
} from "./kinds-by-wiring.ts";
import type { PlainNetwork } from "./network.ts";
import { RESIDUAL_NAMES, resnet } from "./residual.ts";

const cases: Record<string, PlainNetwork[]> = {
  "transposed convolutions": [
    ...each("autoencoder", TRANSPOSED, autoencoder),
    ...each("generator", GENERATORS, generator),
  ],
  GroupNorm: each("GroupNorm", GROUP_NORMS, groupNormed),
  "GroupNorm in residual networks": RESIDUAL_NAMES.map((names, i) =>
    resnet(names, [8, [8, 12][i % 2]!], (l, name, value) => l.groupNorm(name, value, 4)),
  ),
  "two networks": each("two networks", PAIRS, pair),
  "several heads": each("heads", HEADS, headed),
  "depthwise first": each("depthwise", DEPTHWISE, depthwise),
  recurrence: each("recurrence", RECURRENCE, recurrent),
  attention: each("attention", ATTENTION, attention),
  embeddings: each("embedding", EMBEDDINGS, embedded),
  "residual blocks": [
    ...each("dense", BLOCKS, blockNet(false, false)),
    ...each("one dense", BLOCKS, blockNet(false, true)),
    ...each("convolutions", BLOCKS, blockNet(true, false)),
    ...each("one of convolutions", BLOCKS, blockNet(true, true)),
  ],
  shortcuts: each("shortcut", SHORTCUTS, shortcut),
  gates: each("gate", GATES, gated),
  "squeeze and excitation": each("squeeze", SQUEEZE, squeezed),
  "beside the blocks": each("beside", BESIDE, besideBlocks),
  concatenation: [
    ...each("two pools", CONCATENATIONS, poolPair),
    ...each("two scales", CONCATENATIONS, twoScales),
    ...each("text", TEXT, textNet),
  ],
  "norms elsewhere": [...NORM_PLACES],
  "counting down": each("counting down", COUNTDOWN, countdown),
  "unsorted names": each("names", UNSORTED, (names, i) =>
    mlp(
      names,
      [
        [16, 16, 16, 4],
        [8, 8, 8, 8],
      ][i % 2]!,
      { bias: i % 2 === 0 },
    ),
  ),
  aliases: each("aliases", ALIASES, aliased),
};

/** Networks by kind. */
export const KINDS: ReadonlyMap<string, readonly PlainNetwork[]> = new Map(Object.entries(cases));
