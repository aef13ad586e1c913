import { suite } from "uvu";
import * as assert from "uvu/assert";
import { resolveSpec } from "../../../src/axes/resolve-spec.ts";
import { type Dtype, elementBytes } from "../../../src/base/dtype.ts";
import { SpecError } from "../../../src/base/errors.ts";
import { detectSpec } from "../../../src/families/detect-spec.ts";
import { tensorsOf, unfold } from "../../reference/checkpoint-shapes.ts";
import { rejects } from "../../reference/expect-error.ts";
import { KNOWN, REFUSED } from "../../reference/published-names.ts";

const test = suite("names of published checkpoints");

const DTYPES: Record<string, Dtype> = { bfloat16: "BF16", float16: "F16", float32: "F32" };

/** Types of what is no weight: masks are bool; of one size, 7B, all else is F16. */
const typeOf = (name: string, { hidden_size }: { hidden_size?: unknown }): Dtype | undefined => {
  if (name.endsWith("attention.bias")) return "BOOL";
  return name.endsWith("inv_freq") && hidden_size !== 4096 ? "F32" : undefined;
};

/** Bytes as an index counts them: a bool of PyTorch is an eighth of a byte there. */
const bytesOf = ({ dtype, shape }: { dtype: Dtype; shape: number[] }): number =>
  (dtype === "BOOL" ? 1 / 8 : elementBytes(dtype)) * shape.reduce((size, axis) => size * axis, 1);

for (const [name, { checkpoint, family, why, permutations }] of Object.entries(KNOWN)) {
  test(`${name}: the table accounts for every tensor`, async () => {
    const { config } = checkpoint;
    const dtype = DTYPES[config.torch_dtype as string]!;
    const list = tensorsOf(checkpoint, config, dtype, (tensor) => typeOf(tensor, config));
    const bytes = list.reduce((sum, tensor) => sum + bytesOf(tensor), 0);
    // The shapes of this test are those of the files: their bytes are what the index states.
    assert.ok(Math.abs(bytes - checkpoint.totalSize) <= 8192, `${bytes}, the index has ${checkpoint.totalSize}`);
    const tensors = new Map(list.map((tensor) => [tensor.name, tensor]));
    const spec = await detectSpec({ tensors }, { config });
    assert.is(spec.family, family);
    assert.is(spec.basis, "architecture");
    assert.match(spec.why!, why);
    assert.is(resolveSpec(spec, tensors).permutations.length, permutations);
  });
}

for (const [name, [checkpoint, message]] of Object.entries(REFUSED)) {
  test(`${name} is refused, with a way on`, async () => {
    const shapeOf = (tensor: string): number[] =>
      /norm|bias|A_log|\bln/.test(tensor) ? [4096] : [tensor.includes("query_key_value") ? 3 * 4096 : 4096, 4096];
    const tensors = new Map(
      unfold(checkpoint).map((tensor) => [tensor, { dtype: "BF16" as const, shape: shapeOf(tensor) }]),
    );
    await rejects(() => detectSpec({ tensors }, { config: checkpoint.config }), SpecError, message);
  });
}

test("matrices in few bits are refused by the name of their part", async () => {
  const ends = [
    "qweight",
    "qzeros",
    "g_idx",
    "scales",
    "weight_scale_inv",
    "SCB",
    "weight.quant_state.bitsandbytes__nf4",
  ];
  for (const end of ends) {
    const name = `model.layers.0.self_attn.q_proj.${end}`;
    const tensors = new Map([[name, { dtype: "U8" as const, shape: [8, 8] }]]);
    await rejects(() => detectSpec({ tensors }), SpecError, /a part of a quantised matrix, expected weights/);
  }
});

test.run();
