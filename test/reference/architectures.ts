/** Names and shapes of well-known networks, written out independently of the detection that reads them. */

import type { Dtype } from "../../src/base/dtype.ts";
import type { TensorInfo } from "../../src/base/model.ts";

export type Tensors = Map<string, TensorInfo>;

/** A list of tensors that is written top to bottom. */
class List {
  readonly tensors: Tensors = new Map();

  add(name: string, shape: number[], dtype: Dtype = "F32"): this {
    this.tensors.set(name, { dtype, shape });
    return this;
  }

  dense(prefix: string, out: number, input: number, bias = true): this {
    this.add(`${prefix}.weight`, [out, input]);
    return bias ? this.add(`${prefix}.bias`, [out]) : this;
  }

  conv(prefix: string, out: number, input: number, k = 3, bias = false): this {
    this.add(`${prefix}.weight`, [out, input, k, k]);
    return bias ? this.add(`${prefix}.bias`, [out]) : this;
  }

  layerNorm(prefix: string, size: number): this {
    return this.add(`${prefix}.weight`, [size]).add(`${prefix}.bias`, [size]);
  }

  batchNorm(prefix: string, size: number): this {
    this.layerNorm(prefix, size).add(`${prefix}.running_mean`, [size]).add(`${prefix}.running_var`, [size]);
    return this.add(`${prefix}.num_batches_tracked`, [], "I64");
  }
}

export function list(build: (list: List) => unknown): Tensors {
  const tensors = new List();
  build(tensors);
  return tensors.tensors;
}

/** Renames every tensor. */
export function renamed(tensors: Tensors, rename: (name: string) => string): Tensors {
  return new Map([...tensors].map(([name, info]) => [rename(name), info]));
}

/** In the order in which PyTorch's safetensors writes: by name. */
export function sortedByName(tensors: Tensors): Tensors {
  return new Map([...tensors].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Dense matrices `widths[0]-widths[1]-…` under `prefix.0`, `prefix.1`, …. */
export function mlp(widths: number[], prefix = "layers.", step = 1): Tensors {
  return list((t) =>
    widths.slice(1).forEach((out, i) => {
      t.dense(`${prefix}${i * step}`, out, widths[i]!);
    }),
  );
}

/** Flax: kernels are [in, out]. */
export function flaxMlp(widths: number[], separator = "/"): Tensors {
  return list((t) =>
    widths.slice(1).forEach((out, i) => {
      t.add(["params", `Dense_${i}`, "kernel"].join(separator), [widths[i]!, out]);
      t.add(["params", `Dense_${i}`, "bias"].join(separator), [out]);
    }),
  );
}

const VGG: Record<number, (number | "M")[]> = {
  11: [64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"],
  16: [64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M"],
};

/** torchvision's vgg11, vgg16 and their `_bn` variants. */
export function vgg(depth: 11 | 16, batchNorm: boolean): Tensors {
  return list((t) => {
    let input = 3;
    let at = 0;
    for (const out of VGG[depth]!) {
      if (out === "M") {
        at += 1;
        continue;
      }
      t.conv(`features.${at}`, out, input, 3, true);
      if (batchNorm) t.batchNorm(`features.${at + 1}`, out);
      at += batchNorm ? 3 : 2;
      input = out;
    }
    t.dense("classifier.0", 4096, 512 * 49)
      .dense("classifier.3", 4096, 4096)
      .dense("classifier.6", 1000, 4096);
  });
}

/** The network of fixtures/spec/fmnist-vgg-bn.spec.json. */
export function fmnistVgg(): Tensors {
  return list((t) => {
    const convs: [number, number, number][] = [
      [0, 32, 1],
      [3, 32, 32],
      [7, 64, 32],
      [10, 64, 64],
      [14, 128, 64],
    ];
    for (const [at, out, input] of convs) {
      t.conv(`features.${at}`, out, input, 3, true).batchNorm(`features.${at + 1}`, out);
      t.add(`features.${at + 1}.num_batches_tracked`, [1], "I64");
    }
    t.dense("classifier.1", 256, 1152).dense("classifier.3", 10, 256);
  });
}

/** The network of fixtures/spec/fmnist-resnet20-ln.spec.json. */
export function fmnistResnet20(): Tensors {
  return list((t) => {
    t.conv("conv1", 32, 1).layerNorm("norm1", 32);
    let input = 32;
    for (const [stage, width] of [32, 64, 128].entries()) {
      for (let block = 0; block < 3; block++) {
        const path = `layer${stage + 1}.${block}`;
        t.conv(`${path}.conv1`, width, input).layerNorm(`${path}.norm1`, width);
        t.conv(`${path}.conv2`, width, width).layerNorm(`${path}.norm2`, width);
        if (input !== width) t.conv(`${path}.shortcut.0`, width, input).layerNorm(`${path}.shortcut.1`, width);
        input = width;
      }
    }
    t.dense("fc", 10, 128);
  });
}

/** CIFAR residual networks of depth 6n+2. `shortcut` null: zero padding (option A). */
export function cifarResnet(
  depth: number,
  shortcut: string | null,
  head = "linear",
  widths: number[] = [16, 32, 64],
): Tensors {
  return list((t) => {
    t.conv("conv1", widths[0]!, 3).batchNorm("bn1", widths[0]!);
    let input = widths[0]!;
    for (const [stage, width] of widths.entries()) {
      for (let block = 0; block < (depth - 2) / 6; block++) {
        const path = `layer${stage + 1}.${block}`;
        t.conv(`${path}.conv1`, width, input).batchNorm(`${path}.bn1`, width);
        t.conv(`${path}.conv2`, width, width).batchNorm(`${path}.bn2`, width);
        if (input !== width && shortcut !== null)
          t.conv(`${path}.${shortcut}.0`, width, input, 1).batchNorm(`${path}.${shortcut}.1`, width);
        input = width;
      }
    }
    t.dense(head, 10, input);
  });
}

const BLOCKS: Record<number, number[]> = {
  18: [2, 2, 2, 2],
  34: [3, 4, 6, 3],
  50: [3, 4, 6, 3],
  101: [3, 4, 23, 3],
  152: [3, 8, 36, 3],
};

/** torchvision's resnet18 … resnet152; `groups` 32 and `base` 4 give resnext50_32x4d, `base` 128 wide_resnet50_2. */
export function resnet(depth: number, { groups = 1, base = 64 }: { groups?: number; base?: number } = {}): Tensors {
  return list((t) => {
    t.conv("conv1", 64, 3, 7).batchNorm("bn1", 64);
    let input = 64;
    const expansion = depth >= 50 ? 4 : 1;
    for (const [stage, count] of BLOCKS[depth]!.entries()) {
      const planes = 64 * 2 ** stage;
      const out = planes * expansion;
      for (let block = 0; block < count; block++) {
        const path = `layer${stage + 1}.${block}`;
        if (expansion === 1) {
          t.conv(`${path}.conv1`, planes, input).batchNorm(`${path}.bn1`, planes);
          t.conv(`${path}.conv2`, planes, planes).batchNorm(`${path}.bn2`, planes);
        } else {
          const inner = Math.floor((planes * base) / 64) * groups;
          t.conv(`${path}.conv1`, inner, input, 1).batchNorm(`${path}.bn1`, inner);
          t.conv(`${path}.conv2`, inner, inner / groups).batchNorm(`${path}.bn2`, inner);
          t.conv(`${path}.conv3`, out, inner, 1).batchNorm(`${path}.bn3`, out);
        }
        if (input !== out) t.conv(`${path}.downsample.0`, out, input, 1).batchNorm(`${path}.downsample.1`, out);
        input = out;
      }
    }
    t.dense("fc", 1000, input);
  });
}

/** timm's resnet26d: a stem of three convolutions, average pooling before the shortcut's convolution. */
export function timmResnet26d(): Tensors {
  return list((t) => {
    t.conv("conv1.0", 32, 3)
      .batchNorm("conv1.1", 32)
      .conv("conv1.3", 32, 32)
      .batchNorm("conv1.4", 32)
      .conv("conv1.6", 64, 32)
      .batchNorm("bn1", 64);
    let input = 64;
    for (let stage = 0; stage < 4; stage++) {
      const planes = 64 * 2 ** stage;
      for (let block = 0; block < 2; block++) {
        const path = `layer${stage + 1}.${block}`;
        t.conv(`${path}.conv1`, planes, input, 1).batchNorm(`${path}.bn1`, planes);
        t.conv(`${path}.conv2`, planes, planes).batchNorm(`${path}.bn2`, planes);
        t.conv(`${path}.conv3`, planes * 4, planes, 1).batchNorm(`${path}.bn3`, planes * 4);
        if (block === 0)
          t.conv(`${path}.downsample.1`, planes * 4, input, 1).batchNorm(`${path}.downsample.2`, planes * 4);
        input = planes * 4;
      }
    }
    t.dense("fc", 1000, 2048);
  });
}

/** Wide residual network 16-k, which normalises before convolutions (names of the usual PyTorch port). */
export function wideResnet16(k: number): Tensors {
  return list((t) => {
    t.conv("conv1", 16, 3);
    let input = 16;
    for (const [stage, base] of [16, 32, 64].entries()) {
      const width = base * k;
      for (let block = 0; block < 2; block++) {
        const path = `block${stage + 1}.layer.${block}`;
        t.batchNorm(`${path}.bn1`, input).conv(`${path}.conv1`, width, input);
        t.batchNorm(`${path}.bn2`, width).conv(`${path}.conv2`, width, width);
        if (input !== width) t.conv(`${path}.convShortcut`, width, input, 1);
        input = width;
      }
    }
    t.batchNorm("bn1", input).dense("fc", 10, input);
  });
}

/** Hugging Face transformers' ResNet, basic blocks. */
export function huggingFaceResnet(): Tensors {
  return list((t) => {
    const unit = (path: string, out: number, input: number, k: number): unknown =>
      t.conv(`${path}.convolution`, out, input, k).batchNorm(`${path}.normalization`, out);
    unit("resnet.embedder.embedder", 64, 3, 7);
    let input = 64;
    for (const [stage, width] of [64, 128].entries()) {
      for (let block = 0; block < 2; block++) {
        const path = `resnet.encoder.stages.${stage}.layers.${block}`;
        if (input !== width) unit(`${path}.shortcut`, width, input, 1);
        unit(`${path}.layer.0`, width, input, 3);
        unit(`${path}.layer.1`, width, width, 3);
        input = width;
      }
    }
    t.dense("classifier.1", 10, input);
  });
}

/** The Git Re-Basin authors' Flax ResNet20 in small: kernels are [k, k, in, out], norms have a scale. */
export function flaxResnet(): Tensors {
  return list((t) => {
    const unit = (conv: string, norm: string, out: number, input: number): unknown =>
      t
        .add(`params/${conv}/kernel`, [3, 3, input, out])
        .add(`params/${norm}/scale`, [out])
        .add(`params/${norm}/bias`, [out]);
    unit("conv1", "norm1", 16, 3);
    let input = 16;
    for (const [stage, width] of [16, 32].entries()) {
      for (let block = 0; block < 2; block++) {
        const path = `blockgroups_${stage}/blocks_${block}`;
        unit(`${path}/conv1`, `${path}/norm1`, width, input);
        unit(`${path}/conv2`, `${path}/norm2`, width, width);
        if (input !== width) unit(`${path}/shortcut/layers_0`, `${path}/shortcut/layers_1`, width, input);
        input = width;
      }
    }
    t.add("params/dense/kernel", [input, 10]).add("params/dense/bias", [10]);
  });
}

/** A Flax convnet with BatchNorm, whose statistics live in a tree of their own; 7×7 positions are flattened. */
export function flaxConvnet(): Tensors {
  return list((t) => {
    for (const [k, [input, out]] of (
      [
        [1, 8],
        [8, 16],
      ] as const
    ).entries()) {
      t.add(`params/Conv_${k}/kernel`, [3, 3, input, out]).add(`params/Conv_${k}/bias`, [out]);
      t.add(`params/BatchNorm_${k}/scale`, [out]).add(`params/BatchNorm_${k}/bias`, [out]);
      t.add(`batch_stats/BatchNorm_${k}/mean`, [out]).add(`batch_stats/BatchNorm_${k}/var`, [out]);
    }
    t.add("params/Dense_0/kernel", [49 * 16, 32]).add("params/Dense_0/bias", [32]);
    t.add("params/Dense_1/kernel", [32, 10]).add("params/Dense_1/bias", [10]);
  });
}
