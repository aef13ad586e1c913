/** Every kind of operator that is known, by name. */

import { ATTENTION } from "./attention.ts";
import { CONTRACTIONS } from "./contractions.ts";
import { CONTROL } from "./control.ts";
import { CONVOLUTIONS } from "./convolution.ts";
import { ELEMENTWISE } from "./elementwise.ts";
import type { Kind } from "./kind.ts";
import { NORMALISATIONS } from "./normalisation.ts";
import { POOLS } from "./pooling.ts";
import { QUANTISING } from "./quantising.ts";
import { RECURRENT } from "./recurrent.ts";
import { REDUCTIONS } from "./reductions.ts";
import { SELECTIONS } from "./selecting.ts";
import { SHAPES } from "./shaping.ts";
import { SOURCES } from "./sources.ts";

/** By name, as `Operator.kind` has it. */
export const KINDS: ReadonlyMap<string, Kind> = new Map([
  ...ELEMENTWISE,
  ...CONTRACTIONS,
  ...ATTENTION,
  ...CONVOLUTIONS,
  ...NORMALISATIONS,
  ...REDUCTIONS,
  ...POOLS,
  ...SHAPES,
  ...SELECTIONS,
  ...RECURRENT,
  ...CONTROL,
  ...QUANTISING,
  ...SOURCES,
]);
