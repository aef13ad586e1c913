/** Layers that take their names from a style: what random networks are made of. */

import type { Rng } from "../../../src/base/rng.ts";
import type { Layers, Naming } from "./network.ts";
import type { Value } from "./values.ts";

/** Names of modules in the order in which they run. */
export interface Names {
  dense(): string;
  conv(): string;
  /** Beside the operation that was named last. */
  norm(): string;
}

export type Style = (counts: { conv: number; dense: number; last: number }) => {
  conv: (k: number) => string;
  dense: (k: number) => string;
  norm: ((word: string) => string) | undefined;
};

/** Without a norm's name: a Sequential, where its number comes next. */
const plainStyle =
  (conv: (k: number) => string, dense: (k: number) => string, norm?: (k: number, word: string) => string): Style =>
  (counts) => ({ conv, dense, norm: norm === undefined ? undefined : (word) => norm(counts.last, word) });

export const STYLES: readonly Style[] = [
  plainStyle(
    (k) => `conv${k + 1}`,
    (k) => `fc${k + 1}`,
    (k, word) => `${word}${k + 1}`,
  ),
  plainStyle(
    (k) => `conv${k}`,
    (k) => `linear${k}`,
    (k, word) => `${word}${k}`,
  ),
  plainStyle(
    (k) => `convs.${k}`,
    (k) => `layers.${k}`,
    (k, word) => `${word}s.${k}`,
  ),
  plainStyle(
    (k) => `layer${k + 1}.conv`,
    (k) => `head.${3 * k}`,
    (k, word) => `layer${k + 1}.${word}`,
  ),
  plainStyle(
    (k) => `features.${3 * k}`,
    (k) => `classifier.${3 * k + 1}`,
  ),
  plainStyle(
    (k) => `model.net.${3 * k}`,
    (k) => `model.net.${40 + 3 * k}`,
  ),
  plainStyle(
    (k) => `c${k + 1}`,
    (k) => `l${k + 1}`,
    (k, word) => `${word}${k + 1}`,
  ),
  plainStyle(
    (k) => `encoder.${3 * k}`,
    (k) => `decoder.${3 * k}`,
  ),
  plainStyle(
    (k) => `block${k + 1}.0`,
    (k) => `fc.${3 * k}`,
  ),
  plainStyle(
    (k) => `module.conv_${k}`,
    (k) => `module.dense_${k}`,
    (k, word) => `module.${word}_${k}`,
  ),
];

export function namesOf(style: Style, word: string, prefix = ""): Names {
  const counts = { conv: 0, dense: 0, last: 0 };
  const names = style(counts);
  let last = "";
  return {
    conv() {
      counts.last = counts.conv++;
      last = names.conv(counts.last);
      return prefix + last;
    },
    dense() {
      counts.last = counts.dense++;
      last = names.dense(counts.last);
      return prefix + last;
    },
    norm: () => prefix + (names.norm?.(word) ?? last.replace(/\d+$/, (index) => String(Number(index) + 1))),
  };
}

export const pick = <T>(list: readonly T[], rng: Rng): T => list[rng.below(list.length)]!;
export const chance = (rng: Rng, of: number): boolean => rng.below(of) === 0;

type Norm = "none" | "batch" | "layer" | "group";

export interface Plan {
  readonly width: () => number;
  readonly depth: number;
  readonly norm: Norm;
  readonly word: string;
  readonly bias: boolean;
  readonly style: Style;
  readonly naming: Naming;
}

export function planOf(rng: Rng): Plan {
  const equal = !chance(rng, 3);
  const base = pick([4, 6, 8, 12], rng);
  const sizes = [4, 6, 8, 10, 12, 16];
  const widths = Array.from({ length: 12 }, () => (equal ? base : pick(sizes, rng)));
  let at = 0;
  const norm = pick<Norm>(["none", "none", "batch", "batch", "layer", "group"], rng);
  const style = pick<"torch" | "flax" | "keras">(["torch", "torch", "torch", "torch", "flax", "keras"], rng);
  const words = {
    none: ["bn"],
    batch: ["bn", "norm", "batchnorm"],
    layer: ["ln", "norm", "layernorm", "bn"],
    group: ["gn", "norm", "bn", "groupnorm"],
  }[norm];
  return {
    width: () => widths[at++ % widths.length]!,
    depth: 2 + rng.below(3),
    norm,
    word: pick(words, rng),
    bias: !chance(rng, 5),
    style: pick(STYLES, rng),
    naming: { style, ...(style === "torch" ? {} : { separator: "/" as const }) },
  };
}

/** Layers that take the next name when they run, after their input has run. */
export class Named {
  readonly layers: Layers;
  readonly names: Names;
  readonly #plan: Plan;
  #isDense = true;

  constructor(layers: Layers, names: Names, plan: Plan) {
    this.layers = layers;
    this.names = names;
    this.#plan = plan;
  }

  dense(value: Value, outs: number, more: { bias?: boolean } = this.#plan): Value {
    this.#isDense = true;
    return this.layers.dense(this.names.dense(), value, outs, more);
  }

  conv(value: Value, outs: number, side = 3, more: { groups?: number } = {}): Value {
    this.#isDense = false;
    return this.layers.conv(this.names.conv(), value, outs, side, { bias: this.#plan.bias, ...more });
  }

  convTransposed(value: Value, outs: number, side = 3): Value {
    return this.layers.convTransposed(this.names.conv(), value, outs, side, this.#plan);
  }

  norm(value: Value): Value {
    const { norm } = this.#plan;
    if (norm === "none") return value;
    const name = this.names.norm();
    if (norm === "batch") return this.layers.batchNorm(name, value);
    if (norm === "layer" || this.#isDense) return this.layers.layerNorm(name, value);
    return this.layers.groupNorm(name, value, value.channels % 2 === 0 ? 2 : 1);
  }
}
