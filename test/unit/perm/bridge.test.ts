import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseSpec } from "../../../src/axes/spec-file.ts";
import type { Dtype } from "../../../src/base/dtype.ts";
import { SpecError } from "../../../src/base/errors.ts";
import { memoryModel, type TensorData } from "../../../src/base/memory-model.ts";
import { elementCount, type Model } from "../../../src/base/model.ts";
import { createRng } from "../../../src/base/rng.ts";
import { prefixedModel } from "../../../src/formats/prefixed-model.ts";
import { encodeSafetensors } from "../../../src/formats/safetensors/write-safetensors.ts";
import { decodeFloats, encodeFloats } from "../../../src/kernels/float-values.ts";
import { withKernels } from "../../../src/kernels/idle.ts";
import { applyPermutations } from "../../../src/perm/apply-permutations.ts";
import { bridgeModels, compareModels, specFor } from "../../../src/perm/bridge-models.ts";
import { rebasin } from "../../../src/plan/rebasin.ts";
import { rejects, sameBytes } from "../../reference/expect-error.ts";
import { mlpNetwork, toModel } from "../../reference/networks.ts";

const test = suite("models that differ a little");

const SIZES = [6, 5, 4, 3];
const [one, two] = [mlpNetwork(createRng(1), SIZES), mlpNetwork(createRng(2), SIZES)];
const [a, b]: [Model, Model] = [toModel(one.tensors, "a"), toModel(two.tensors, "b")];
const names = [...a.tensors.keys()];

/** A copy in memory, with names, dtypes and further tensors changed. */
async function changed(
  model: Model,
  {
    rename = (name) => name,
    dtype,
    more = {},
  }: { rename?: (name: string) => string; dtype?: Dtype; more?: Record<string, TensorData> },
): Promise<Model> {
  const tensors = new Map<string, TensorData>();
  for (const [name, info] of model.tensors) {
    const bytes = await model.read(name);
    const to = dtype ?? info.dtype;
    const data = await withKernels({}, (kernels) =>
      encodeFloats(kernels, decodeFloats(kernels, bytes, info.dtype, elementCount(info.shape)), to),
    );
    tensors.set(rename(name), { dtype: to, shape: info.shape, data });
  }
  for (const [name, tensor] of Object.entries(more)) tensors.set(name, tensor);
  return memoryModel(tensors, { name: model.name, metadata: new Map([["format", "pt"]]) });
}

const floats = async (model: Model, name: string): Promise<number[]> => {
  const { dtype, shape } = model.tensors.get(name)!;
  const bytes = await model.read(name);
  return withKernels({}, (kernels) => [...decodeFloats(kernels, bytes, dtype, elementCount(shape))]);
};
const counter = (value: number): TensorData => ({
  dtype: "I64",
  shape: [],
  data: new Uint8Array(new BigInt64Array([BigInt(value)]).buffer),
});

test("equal models are handed on as they are", async () => {
  const { models, notes, restore } = await bridgeModels([a, b]);
  assert.is(models[0], a);
  assert.is(models[1], b);
  assert.equal(notes, []);
  assert.is(restore(a), a);
});

test("a prefix on either side: the merge of the plain pair, with A's names", async () => {
  const plain = await rebasin(a, b);
  for (const prefix of ["module.", "model._orig_mod."]) {
    const rename = (name: string): string => prefix + name;
    const wrapped = await changed(b, { rename });
    const { model, notes } = await rebasin(a, wrapped);
    assert.equal(
      notes.map(({ kind }) => kind),
      ["names"],
    );
    assert.match(notes[0]!.text, `"${prefix}" in names of B`);
    sameBytes(await encodeSafetensors(model), await encodeSafetensors(plain.model));
    const turned = await rebasin(await changed(a, { rename }), b);
    assert.equal([...turned.model.tensors.keys()], names.map(rename));
    for (const name of names) sameBytes(await turned.model.read(rename(name)), await plain.model.read(name));
  }
});

test("floats of different dtypes are blended unrounded, and written in A's dtype or as asked", async () => {
  const half = await changed(b, { dtype: "F16" });
  const same = await rebasin(a, await changed(half, { dtype: "F32" }));
  const mixed = await rebasin(a, half);
  assert.equal(
    mixed.notes.map(({ kind }) => kind),
    ["dtype"],
  );
  for (const name of names) sameBytes(await mixed.model.read(name), await same.model.read(name));
  const turned = await rebasin(half, a, { lambda: 0.25 });
  const [wide, whole] = [
    await changed(half, { dtype: "F32" }),
    await rebasin(await changed(half, { dtype: "F32" }), a, { lambda: 0.25 }),
  ];
  assert.is(wide.tensors.get(names[0]!)!.dtype, "F32");
  const rounded = await changed(whole.model, { dtype: "F16" });
  for (const name of names) sameBytes(await turned.model.read(name), await rounded.read(name));
  const asked = await rebasin(a, b, { dtype: "BF16" });
  const plain = await changed((await rebasin(a, b)).model, { dtype: "BF16" });
  for (const name of names) {
    assert.is(asked.model.tensors.get(name)!.dtype, "BF16");
    sameBytes(await asked.model.read(name), await plain.read(name));
  }
  const zero = await rebasin(half, a, { lambda: 0 });
  for (const name of names) sameBytes(await zero.model.read(name), await half.read(name));
  const double = await rebasin(await changed(a, { dtype: "F64" }), b);
  assert.is(double.model.tensors.get(names[0]!)!.dtype, "F64");
  assert.equal(await floats(double.model, names[0]!), await floats((await rebasin(a, b)).model, names[0]!));
});

test("what the dtype cannot hold is refused by name", async () => {
  const big = await changed(a, {});
  new Float32Array((await big.read(names[1]!)).buffer)[2] = 1e6;
  const { model } = await rebasin(big, big, { dtype: "F16", only: [] });
  await rejects(() => model.read(names[1]!), RangeError, /layer.*has 1000000 at element 2, expected what F16 can hold/);
  await rejects(() => rebasin(a, b, { dtype: "I32" }), RangeError, /^dtype "I32", expected a float dtype/);
  const free = await rebasin(big, big, { dtype: "F16", only: [], allowNonfinite: true });
  assert.is((await floats(free.model, names[1]!))[2], Infinity);
});

test("counters and buffers are kept from the file that has them, A first, and listed", async () => {
  const ofA = await changed(a, { more: { "norm.num_batches_tracked": counter(7), n_averaged: counter(3) } });
  const ofB = await changed(b, {
    rename: (name) => `module.${name}`,
    more: { n_averaged: counter(9), position_ids: counter(4) },
  });
  const { model, notes } = await rebasin(ofA, ofB, { spec: loose(one.spec) });
  const kept = notes.filter(({ kind }) => kind === "kept").map(({ tensors }) => tensors);
  assert.equal(kept, [["norm.num_batches_tracked"], ["position_ids"]]);
  assert.equal(notes.find(({ kind }) => kind === "integers")?.tensors, ["n_averaged"]);
  assert.equal([...model.tensors.keys()], [...names, "norm.num_batches_tracked", "n_averaged", "position_ids"]);
  const whole = async (name: string): Promise<number> => (await model.read(name))[0]!;
  assert.equal(await Promise.all(["norm.num_batches_tracked", "n_averaged", "position_ids"].map(whole)), [7, 3, 4]);
  assert.is(model.metadata.get("format"), "pt");
});

/** The spec for models with further tensors. */
const loose = (spec: typeof one.spec): typeof one.spec => ({ ...spec, rest: "fixed" });

test("a tied second name in one file alone follows the merge of the first", async () => {
  const tied: TensorData = { ...a.tensors.get(names[4]!)!, data: await a.read(names[4]!) };
  const { model, notes } = await rebasin(await changed(a, { more: { "lm_head.weight": tied } }), b, {
    spec: loose(one.spec),
  });
  assert.equal(
    notes.map(({ tensors }) => tensors),
    [["lm_head.weight"]],
  );
  sameBytes(await model.read("lm_head.weight"), await model.read(names[4]!));
  const ofB: TensorData = { ...tied, data: await b.read(names[4]!) };
  const taken = await rebasin(a, await changed(b, { more: { "lm_head.weight": ofB } }), { spec: loose(one.spec) });
  sameBytes(await taken.model.read("lm_head.weight"), await taken.model.read(names[4]!));
});

test("a head of another size: refused with both shapes and the way on; keepA merges the rest", async () => {
  const other = toModel(mlpNetwork(createRng(2), [6, 5, 4, 9]).tensors, "b");
  const [weight, bias] = [names.at(-2)!, names.at(-1)!];
  const head = weight.replace(/weight$/, "*");
  const why = await rejects(() => rebasin(a, other), SpecError, /^a and b do not hold the same tensors: /);
  assert.ok(why.message.includes(`${weight} has shape F32 [9, 4] in B, expected F32 [3, 4] as in A`), why.message);
  assert.ok(why.message.endsWith(`to merge the rest and keep A's: --keep-a ${head} (keepA)`), why.message);
  await rejects(
    () => rebasin(a, other, { keepA: [head, "haed.*"] }),
    RangeError,
    /"haed\.\*" of --keep-a \(keepA\) fits no/,
  );
  const { model, notes, permutations, report } = await rebasin(a, other, { keepA: [head] });
  assert.equal(
    notes.map(({ kind, tensors }) => [kind, tensors]),
    [["kept-a", [weight, bias]]],
  );
  for (const name of [weight, bias]) sameBytes(await model.read(name), await a.read(name));
  // The votes of the kept head would be for the identity: they do not count.
  const silent = {
    ...one.spec,
    tensors: new Map(
      [...one.spec.tensors].map(([name, { axes, votes }]) => [
        name,
        { axes, votes: votes && name !== weight && name !== bias },
      ]),
    ),
  };
  const bWithHead = memoryModel(
    new Map(
      await Promise.all(
        names.map(async (name): Promise<[string, TensorData]> => {
          const from = name === weight || name === bias ? a : other;
          return [name, { ...from.tensors.get(name)!, data: await from.read(name) }];
        }),
      ),
    ),
  );
  const expected = await rebasin(a, bWithHead, { spec: silent });
  assert.equal([...permutations], [...expected.permutations]);
  assert.is(report.objective, expected.report.objective);
});

test("tensors that only one has and that compute are refused, all reasons by A's names", async () => {
  const deeper = toModel(mlpNetwork(createRng(3), [6, 5, 4, 3, 2]).tensors, "b");
  const { differences } = await compareModels(a, await changed(deeper, { rename: (name) => `module.${name}` }));
  assert.equal(new Set(differences.map(({ kind }) => kind)), new Set(["extra"]));
  assert.ok(differences.every(({ tensor }) => !tensor.startsWith("module.")));
  await rejects(() => rebasin(a, deeper), SpecError, /expected no such tensor as in A/);
  const integer = await changed(b, {});
  const whole = memoryModel(
    new Map(
      [...integer.tensors].map(([name, { shape }]) => [
        name,
        { dtype: "I8", shape, data: new Uint8Array(elementCount(shape)) },
      ]),
    ),
  );
  await rejects(() => rebasin(a, whole), SpecError, /has dtype I8 /);
});

test("two networks in B: the prefixes are named", async () => {
  const more = Object.fromEntries(
    await Promise.all(
      names.map(async (name) => [`ema.${name}`, { ...b.tensors.get(name)!, data: await b.read(name) }] as const),
    ),
  );
  const both = await changed(b, { rename: (name) => `net.${name}`, more });
  await rejects(
    () => rebasin(a, both),
    SpecError,
    /B has A's names under "net\." and "ema\.": choose by --prefix-b net\.$/,
  );
  const plain = await rebasin(a, b);
  for (const prefix of ["ema", "ema."]) {
    const { model } = await rebasin(a, prefixedModel(both, prefix));
    sameBytes(await encodeSafetensors(model), await encodeSafetensors(plain.model));
  }
  assert.throws(
    () => prefixedModel(both, "em"),
    /has no tensor whose name begins with "em", expected one of net\., ema\./,
  );
  await rejects(() => prefixedModel(both, "ema").read("no"), RangeError, /has no tensor "no" behind "ema"/);
});

test("permutations of a pair with other names apply to this one", async () => {
  const { permutations, spec } = await rebasin(a, b);
  const wrapped = await changed(b, { rename: (name) => `module.${name}`, more: { n_averaged: counter(1) } });
  const moved = await applyPermutations(wrapped, await specFor(wrapped, spec), permutations);
  const plain = await applyPermutations(b, spec, permutations);
  for (const name of names) sameBytes(await moved.read(`module.${name}`), await plain.read(name));
  assert.is(await specFor(b, spec), spec);
  const listing = parseSpec({
    format: "rebasin-spec/1",
    tensors: { "x.num_batches_tracked": { axes: [] }, w: { axes: ["P", "_"] } },
  });
  const renamed = await specFor(
    memoryModel(new Map([["m.w", { dtype: "U8", shape: [1, 1], data: new Uint8Array(1) }]])),
    listing,
  );
  assert.equal([...renamed.tensors.keys()], ["m.w"]);
});

test.run();
