/** Residual networks that detection knows, under the names of the field. Each must be aligned rightly. */

import { batch, layer, type NormOf } from "./chains.ts";
import type { Layers, PlainNetwork } from "./network.ts";
import { add, meanPool, relu, type Value } from "./values.ts";

/** How the modules of a residual network are named. */
export interface ResidualNames {
  readonly stem: string;
  readonly stemNorm: string;
  readonly block: (stage: number, block: number) => string;
  readonly conv: (k: number) => string;
  readonly norm: (k: number) => string;
  readonly shortcut: string;
  readonly shortcutNorm: string;
  readonly head: string;
}

const cifar: ResidualNames = {
  stem: "conv1",
  stemNorm: "bn1",
  block: (s, b) => `layer${s + 1}.${b}`,
  conv: (k) => `conv${k + 1}`,
  norm: (k) => `bn${k + 1}`,
  shortcut: "shortcut.0",
  shortcutNorm: "shortcut.1",
  head: "linear",
};

export const RESIDUAL_NAMES: readonly ResidualNames[] = [
  cifar,
  { ...cifar, shortcut: "downsample.0", shortcutNorm: "downsample.1", head: "fc" },
  {
    ...cifar,
    stem: "module.conv1",
    stemNorm: "module.bn1",
    block: (s, b) => `module.layer${s + 1}.${b}`,
    head: "module.fc",
  },
  {
    ...cifar,
    stem: "backbone.conv1",
    stemNorm: "backbone.bn1",
    block: (s, b) => `backbone.layer${s + 1}.${b}`,
    head: "head.fc",
  },
  {
    ...cifar,
    stem: "stem.conv",
    stemNorm: "stem.bn",
    block: (s, b) => `stages.${s}.blocks.${b}`,
    shortcut: "downsample.conv",
    shortcutNorm: "downsample.bn",
    head: "head.fc",
  },
  {
    ...cifar,
    stem: "resnet.embedder.embedder.convolution",
    stemNorm: "resnet.embedder.embedder.normalization",
    block: (s, b) => `resnet.encoder.stages.${s}.layers.${b}`,
    conv: (k) => `layer.${k}.convolution`,
    norm: (k) => `layer.${k}.normalization`,
    shortcut: "shortcut.convolution",
    shortcutNorm: "shortcut.normalization",
    head: "classifier.1",
  },
  { ...cifar, stem: "conv_init", stemNorm: "bn_init", block: (s, b) => `group${s + 1}.block${b}`, head: "classifier" },
];

/** Of `resnet`. */
export interface ResnetForm {
  readonly expand?: number;
  readonly pre?: boolean;
  /** Of a bottleneck's middle convolution. */
  readonly groups?: number;
  readonly more?: Partial<PlainNetwork>;
}

/** Norms after convolutions; bottlenecks where `expand` is above 1. */
export function resnet(
  names: ResidualNames,
  widths: readonly number[],
  norm: NormOf,
  { expand = 1, pre = false, groups = 1, more = {} }: ResnetForm = {},
): PlainNetwork {
  const unit = (l: Layers, conv: string, own: string, value: Value, outs: number, side: number): Value =>
    pre
      ? l.conv(conv, relu(norm(l, own, value)), outs, side, { bias: false })
      : norm(l, own, l.conv(conv, value, outs, side, { bias: false, groups: side === 3 ? groups : 1 }));
  return {
    name: `resnet ${names.stem} ${names.block(0, 0)}.${names.conv(0)} ${names.norm(0)} ${names.shortcut} ${names.head}`,
    input: [3, 4, 4],
    forward(l, x) {
      let value = l.conv(names.stem, x, widths[0]!, 3, { bias: false });
      if (!pre) value = relu(norm(l, names.stemNorm, value));
      for (const [stage, width] of widths.entries()) {
        for (let b = 0; b < 2; b++) {
          const path = names.block(stage, b);
          const before = value;
          const sizes =
            expand > 1
              ? [
                  [width, 1],
                  [width, 3],
                  [width * expand, 1],
                ]
              : [
                  [width, 3],
                  [width, 3],
                ];
          for (const [k, [outs, side]] of sizes.entries()) {
            value = unit(l, `${path}.${names.conv(k)}`, `${path}.${names.norm(k)}`, value, outs!, side!);
            if (!pre && k + 1 < sizes.length) value = relu(value);
          }
          const around =
            before.channels === value.channels
              ? before
              : pre
                ? l.conv(`${path}.${names.shortcut}`, before, value.channels, 1, { bias: false })
                : norm(
                    l,
                    `${path}.${names.shortcutNorm}`,
                    l.conv(`${path}.${names.shortcut}`, before, value.channels, 1, { bias: false }),
                  );
          value = pre ? add(value, around) : relu(add(value, around));
        }
      }
      if (pre) value = relu(norm(l, names.stemNorm, value));
      return l.dense(names.head, meanPool(value), 4);
    },
    ...more,
  };
}

/** Residual networks of today's namings. */
export const RESNETS: readonly PlainNetwork[] = [
  ...RESIDUAL_NAMES.flatMap((names) => [
    resnet(names, [6, 8], batch),
    resnet(names, [6], batch),
    resnet(names, [6, 8], batch, { expand: 2, groups: 2 }),
    resnet(names, [4, 6], batch, { expand: 2 }),
  ]),
  resnet({ ...cifar, stemNorm: "norm" }, [6, 8], batch, { pre: true }),
  resnet(
    { ...cifar, block: (s, b) => `block${s + 1}.layer.${b}`, shortcut: "convShortcut", head: "fc" },
    [6, 8],
    batch,
    { pre: true },
  ),
  resnet({ ...cifar, stemNorm: "norm" }, [6], batch, { pre: true }),
  resnet({ ...cifar, norm: (k) => `ln${k + 1}`, stemNorm: "ln1" }, [6, 8], layer),
  resnet(
    {
      ...cifar,
      stem: "conv1",
      stemNorm: "LayerNorm_0",
      block: (s, b) => `blockgroups_${s}/blocks_${b}`.replace("/", "."),
      norm: (k) => `LayerNorm_${k}`,
      shortcut: "shortcut.layers_0",
      shortcutNorm: "shortcut.LayerNorm_0",
      head: "dense",
    },
    [6, 8],
    layer,
    { more: { naming: { style: "flax", separator: "/" } } },
  ),
];
