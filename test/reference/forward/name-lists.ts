/** Random lists of names and shapes, most of them no network: for fuzzing detection, which must refuse in one line or give a spec. */

import type { Dtype } from "../../../src/base/dtype.ts";
import type { TensorInfo } from "../../../src/base/model.ts";
import type { Rng } from "../../../src/base/rng.ts";

const WORDS =
  "conv fc layers layer1 layer2 features classifier encoder decoder net model module block1 blocks dw pw bn1 bn2 norm ln_in emb head out stem downsample 0 1 2 3 10 conv1 conv2 conv1_1 dense dense_1 linear linear1 q v res skip block5_conv1 stages.0.blocks params batch_stats bn_flat gn1 ~ é _ - 2 a2b __proto__ constructor".split(
    " ",
  );
const LEAVES =
  "weight bias kernel kernel:0 scale running_mean running_var num_batches_tracked w b gamma beta embedding mean var logit_scale position_ids n_averaged weight.weight".split(
    " ",
  );
const SIZES = [0, 1, 2, 3, 4, 8, 8, 8, 16, 16, 32];
const DTYPES: readonly Dtype[] = ["F32", "F32", "F32", "F32", "F16", "I64", "BOOL"];

const pick = <T>(list: readonly T[], rng: Rng): T => list[rng.below(list.length)]!;

/** A list of up to some dozens of tensors; every tenth has hundreds. */
export function nameList(rng: Rng): Map<string, TensorInfo> {
  const tensors = new Map<string, TensorInfo>();
  const modules = 1 + rng.below(rng.below(10) === 0 ? 200 : 12);
  const [width, few] = [pick(SIZES, rng), rng.below(3) > 0];
  const size = (): number => (few && rng.below(5) > 0 ? width : pick(SIZES, rng));
  const words = Array.from({ length: 1 + rng.below(4) }, () => pick(WORDS, rng));
  for (let m = 0; m < modules; m++) {
    const word = rng.below(4) === 0 ? pick(WORDS, rng) : pick(words, rng);
    const path = [...(rng.below(3) === 0 ? [pick(words, rng)] : []), rng.below(2) === 0 ? `${word}${m}` : word];
    if (rng.below(3) === 0) path.push(String(rng.below(12)));
    const name = path.join(rng.below(9) === 0 ? "/" : ".");
    const rank = pick([0, 1, 2, 2, 2, 3, 4, 4, 4, 5], rng);
    const shape = Array.from({ length: rank }, (_, i) => (i < 2 ? size() : 1 + rng.below(4)));
    tensors.set(`${name}.${rng.below(8) === 0 ? pick(LEAVES, rng) : "weight"}`, { dtype: pick(DTYPES, rng), shape });
    if (rng.below(2) === 0) tensors.set(`${name}.bias`, { dtype: "F32", shape: [shape[0] ?? 1] });
    if (rank === 1 && rng.below(2) === 0)
      for (const leaf of ["running_mean", "running_var"]) tensors.set(`${name}.${leaf}`, { dtype: "F32", shape });
  }
  return tensors;
}

/** Detection of one list: its seconds, and whether it gave a spec. Throws what detection should not throw. */
export interface Detected {
  readonly seconds: number;
  readonly accepted: boolean;
}
