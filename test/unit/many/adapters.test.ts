/** LoRA adapters as PEFT and kohya write them, as task vectors. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { SpecError } from "../../../src/base/errors.ts";
import { memoryModel } from "../../../src/base/memory-model.ts";
import type { Model } from "../../../src/base/model.ts";
import { createRng } from "../../../src/base/rng.ts";
import { adapterTask, isAdapter } from "../../../src/many/adapters/adapter.ts";
import { alignTasks } from "../../../src/many/align-tasks.ts";
import { blendModels } from "../../../src/merge/blend-models.ts";
import { moveTask } from "../../../src/merge/task-vector.ts";
import { applyPermutations } from "../../../src/perm/apply-permutations.ts";
import { rejects } from "../../reference/expect-error.ts";
import { near } from "../../reference/near.ts";
import { fromModel, mlpNetwork, toModel } from "../../reference/networks.ts";
import { randomPermutations } from "../../reference/plant.ts";
import { gaussianArray } from "../../reference/random.ts";

const test = suite("LoRA adapters");

const { spec } = mlpNetwork(createRng(0));

/** A model of F32 tensors. */
const made = (tensors: Record<string, [number[], Float32Array | number[]]>, name: string): Model =>
  memoryModel(
    new Map(
      Object.entries(tensors).map(([tensor, [shape, data]]) => [
        tensor,
        { dtype: "F32", shape, data: new Uint8Array(Float32Array.from(data).buffer) },
      ]),
    ),
    { name },
  );

const BASE = made(
  {
    "fc.weight": [
      [2, 3],
      [1, 2, 3, 4, 5, 6],
    ],
    "conv.weight": [
      [2, 1, 1, 2],
      [1, 1, 1, 1],
    ],
    "embed.weight": [
      [3, 2],
      [0, 0, 0, 0, 0, 0],
    ],
    "head.bias": [[2], [1, 1]],
  },
  "base",
);

async function changed(adapter: Model, config?: object, base = BASE): Promise<Record<string, number[]>> {
  const merged = blendModels([adapterTask(adapter, base, config)], { blend: "task_arithmetic", base });
  return Object.fromEntries([...(await fromModel(merged))].map(([name, { data }]) => [name, [...data]]));
}

const CONFIG = { peft_type: "LORA", r: 1, lora_alpha: 2 };
const P = "base_model.model.";

test("PEFT: α/r · B·A, rank-stabilised scales, patterns, embeddings, and tensors saved whole", async () => {
  const linear = {
    [`${P}fc.lora_A.weight`]: [
      [1, 3],
      [1, 0, -1],
    ],
    [`${P}fc.lora_B.weight`]: [
      [2, 1],
      [1, 2],
    ],
  } as const;
  const adapter = made(linear as never, "adapter");
  assert.ok(isAdapter(adapter) && !isAdapter(BASE));
  const got = await changed(adapter, CONFIG);
  assert.equal(got["fc.weight"], [3, 2, 1, 8, 5, 2]);
  assert.equal(got["conv.weight"], [1, 1, 1, 1]);
  const patterned = await changed(adapter, { ...CONFIG, alpha_pattern: { fc: 4 } });
  assert.equal(patterned["fc.weight"], [5, 2, -1, 12, 5, -2]);
  const two = made(
    {
      [`${P}fc.lora_A.default.weight`]: [
        [2, 3],
        [1, 0, 0, 0, 1, 0],
      ],
      [`${P}fc.lora_B.default.weight`]: [
        [2, 2],
        [1, 0, 0, 1],
      ],
    },
    "two",
  );
  near(
    (await changed(two, { ...CONFIG, use_rslora: true }))["fc.weight"]!,
    [1 + Math.SQRT2, 2, 3, 4, 5 + Math.SQRT2, 6],
    "rslora",
    1e-7,
  );
  const embedding = made(
    {
      [`${P}embed.lora_embedding_A`]: [
        [1, 3],
        [1, 2, 3],
      ],
      [`${P}embed.lora_embedding_B`]: [
        [2, 1],
        [1, -1],
      ],
    },
    "embedding",
  );
  assert.equal((await changed(embedding, { lora_alpha: 1 }))["embed.weight"], [1, -1, 2, -2, 3, -3]);
  const whole = made(
    { ...(linear as object), [`${P}head.modules_to_save.default.bias`]: [[2], [5, 7]] } as never,
    "whole",
  );
  assert.equal((await changed(whole, CONFIG))["head.bias"], [5, 7]);
  const prefixed = made(
    {
      [`${P}model.fc.lora_A.weight`]: [
        [1, 3],
        [1, 0, -1],
      ],
      [`${P}model.fc.lora_B.weight`]: [
        [2, 1],
        [1, 2],
      ],
    },
    "prefixed",
  );
  assert.equal((await changed(prefixed, CONFIG))["fc.weight"], [3, 2, 1, 8, 5, 2]);
  const turned = made(
    {
      [`${P}fc.lora_A.weight`]: [
        [1, 2],
        [1, 2],
      ],
      [`${P}fc.lora_B.weight`]: [
        [3, 1],
        [1, 0, -1],
      ],
    },
    "turned",
  );
  assert.equal((await changed(turned, { ...CONFIG, fan_in_fan_out: true }))["fc.weight"], [3, 2, 1, 8, 5, 2]);
});

test("kohya: module names with underscores, an α for each, convolutions", async () => {
  const adapter = made(
    {
      "lora_unet_fc.lora_down.weight": [
        [2, 3],
        [1, 0, 0, 0, 1, 0],
      ],
      "lora_unet_fc.lora_up.weight": [
        [2, 2],
        [1, 0, 0, 1],
      ],
      "lora_unet_fc.alpha": [[], [1]],
      "lora_unet_conv.lora_down.weight": [
        [1, 1, 1, 2],
        [1, 2],
      ],
      "lora_unet_conv.lora_up.weight": [
        [2, 1, 1, 1],
        [3, 4],
      ],
    },
    "kohya",
  );
  const got = await changed(adapter);
  assert.equal(got["fc.weight"], [1.5, 2, 3, 4, 5.5, 6]);
  assert.equal(got["conv.weight"], [4, 7, 5, 9]);
});

test("adapters that do not fit, or are of another kind, are refused in one line", async () => {
  const refused = (tensors: Record<string, [number[], number[]]>, message: RegExp, config?: object) =>
    rejects(async () => adapterTask(made(tensors, "adapter"), BASE, config), SpecError, message);
  const ones = (n: number): number[] => new Array(n).fill(1);
  const a = (module: string): Record<string, [number[], number[]]> => ({
    [`${P}${module}.lora_A.weight`]: [[1, 3], ones(3)],
    [`${P}${module}.lora_B.weight`]: [[2, 1], ones(2)],
  });
  await refused(a("fc"), /^adapter has LoRA factors and no configuration, expected adapter_config\.json beside it$/);
  await refused(
    a("other"),
    /^adapter changes other, expected modules of base, which has fc\.weight, conv\.weight/,
    CONFIG,
  );
  await refused(
    { [`${P}fc.lora_A.weight`]: [[1, 3], ones(3)] },
    /no base_model\.model\.fc\.lora_B\.weight, expected both/,
    CONFIG,
  );
  await refused(a("conv"), /is \[1,3\] and .* \[2,1\], expected factors of conv\.weight \[2,1,1,2\] of base$/, CONFIG);
  await refused({ ...a("fc"), [`${P}fc.lora_magnitude_vector`]: [[2], ones(2)] }, /no DoRA/, CONFIG);
  await refused(
    { "lora_unet_fc.hada_w1_a": [[1, 3], ones(3)], "lora_unet_fc.lora_down.weight": [[1, 3], ones(3)] },
    /no LoHa/,
  );
  await refused({ "lora_unet_x.lora_down.weight": [[1, 3], ones(3)] }, /changes lora_unet_x, expected modules of base/);
  for (const [key, value] of [
    ["peft_type", "IA3"],
    ["use_dora", true],
    ["init_lora_weights", "pissa"],
    ["lora_alpha", "8"],
    ["alpha_pattern", { "(a+)+$": 1 }],
    ["layer_replication", [[0, 1]]],
  ] as const)
    await refused(a("fc"), new RegExp(`^adapter: ${key} of its configuration is `), { ...CONFIG, [key]: value });
});

test("an adapter moves with its base", async () => {
  const base = toModel(mlpNetwork(createRng(17)).tensors, "base");
  const rng = createRng(18);
  const [out, inputs] = base.tensors.get("layers.1.weight")!.shape as [number, number];
  const adapter = made(
    {
      [`${P}layers.1.lora_A.weight`]: [[2, inputs], gaussianArray(2 * inputs, rng)],
      [`${P}layers.1.lora_B.weight`]: [[out, 2], gaussianArray(2 * out, rng)],
    },
    "adapter",
  );
  const permutations = randomPermutations(spec, base, createRng(19));
  const moved = await moveTask(adapterTask(adapter, base, CONFIG), spec, permutations);
  const renumbered = await applyPermutations(base, spec, permutations);
  const there = blendModels([moved], { blend: "task_arithmetic", base: renumbered });
  const here = blendModels([adapterTask(adapter, base, CONFIG)], { blend: "task_arithmetic", base });
  const [got, want] = [await fromModel(there), await fromModel(await applyPermutations(here, spec, permutations))];
  for (const [name, { data }] of want) near(got.get(name)!.data, data, name, 1e-7);
  const { parts } = await alignTasks([{ model: adapter, base: renumbered, config: CONFIG }], base, spec);
  assert.ok("delta" in parts[0]!);
});

test.run();
