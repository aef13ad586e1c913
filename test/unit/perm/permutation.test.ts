import * as fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { formatSpec, parseSpec } from "../../../src/axes/spec-file.ts";
import { FormatError, SpecError } from "../../../src/base/errors.ts";
import { memoryModel } from "../../../src/base/memory-model.ts";
import type { Model } from "../../../src/base/model.ts";
import { createRng, randomPermutation } from "../../../src/base/rng.ts";
import { openModel } from "../../../src/formats/open-model.ts";
import { encodeSafetensors } from "../../../src/formats/safetensors/write-safetensors.ts";
import { mergeModels } from "../../../src/merge/merge-models.ts";
import { applyPermutations } from "../../../src/perm/apply-permutations.ts";
import {
  checkPermutation,
  composePermutations,
  countMoved,
  identityPermutation,
  invertPermutation,
} from "../../../src/perm/permutation.ts";
import { permutationsModel, readPermutations } from "../../../src/perm/permutation-file.ts";
import { mlpNetwork, toModel } from "../../reference/networks.ts";
import { randomPermutations } from "../../reference/plant.ts";

const test = suite("permutations");

const permutation = (n: number) =>
  fc.integer({ min: 0, max: 2 ** 31 }).map((seed) => randomPermutation(n, createRng(seed)));
const two = fc.integer({ min: 0, max: 30 }).chain((n) => fc.tuple(permutation(n), permutation(n)));
const law = (check: (p: Int32Array, q: Int32Array) => void) =>
  fc.assert(
    fc.property(two, ([p, q]) => check(p, q)),
    { seed: 1, numRuns: 100 },
  );
const gather = (p: Int32Array, values: Int32Array): Int32Array => p.map((j) => values[j]!);

test("laws: inverse, composition, identity", () => {
  law((p, q) => {
    const iota = identityPermutation(p.length);
    assert.equal(composePermutations(p, invertPermutation(p)), iota);
    assert.equal(invertPermutation(invertPermutation(p)), p);
    assert.equal(composePermutations(iota, p), p);
    assert.equal(gather(composePermutations(p, q), iota), gather(p, gather(q, iota)));
    assert.is(
      countMoved(p) === 0,
      p.every((j, i) => j === i),
    );
  });
});

test("what is no permutation is refused, saying where", () => {
  const cases: [number[], number, RegExp][] = [
    [[0, 1], 3, /^permutation P has 2 entries, expected 3$/],
    [[0, 2], 2, /^permutation P\[1\] is 2, expected 0 to 1$/],
    [[-1, 0], 2, /^permutation P\[0\] is -1/],
    [[1, 1], 2, /^permutation P has 1 twice/],
  ];
  for (const [entries, n, message] of cases)
    assert.throws(() => checkPermutation("P", Int32Array.from(entries), n), message);
});

async function refusal(run: Promise<unknown>): Promise<Error> {
  return run.then(
    () => assert.unreachable("was not refused") as never,
    (error) => error,
  );
}

test("applying follows the gather convention: slot i of the result is unit p[i]", async () => {
  const spec = parseSpec({ format: "rebasin-spec/1", tensors: { x: { axes: ["P"] } } });
  const model = memoryModel(new Map([["x", { dtype: "U8", shape: [3], data: Uint8Array.of(10, 20, 30) }]]));
  const moved = await applyPermutations(model, spec, new Map([["P", Int32Array.of(2, 0, 1)]]));
  assert.equal([...(await moved.read("x"))], [30, 10, 20]);
  assert.equal([...(await model.read("x"))], [10, 20, 30]);
});

test("a nested permutation must move whole blocks with its outer one", async () => {
  const spec = parseSpec({
    format: "rebasin-spec/1",
    tensors: { v: { axes: ["V"] }, q: { axes: ["H*2"] } },
    permutations: { V: { outer: "H", inner: 2 } },
  });
  const data = Uint8Array.of(0, 1, 2, 3);
  const model = memoryModel(
    new Map([
      ["v", { dtype: "U8", shape: [4], data }],
      ["q", { dtype: "U8", shape: [4], data }],
    ]),
  );
  const apply = (V: number[], H: number[]) =>
    applyPermutations(
      model,
      spec,
      new Map([
        ["V", Int32Array.from(V)],
        ["H", Int32Array.from(H)],
      ]),
    );
  assert.equal([...(await (await apply([3, 2, 0, 1], [1, 0])).read("v"))], [3, 2, 0, 1]);
  const error = await refusal(apply([3, 1, 0, 2], [1, 0]));
  assert.instance(error, SpecError);
  assert.is(error.message, "permutation V[1] is 1, expected a unit of block 1, as H moves it");
});

async function saved(): Promise<{ bytes: Uint8Array; model: Model; permutations: Map<string, Int32Array> }> {
  const network = mlpNetwork(createRng(1));
  const permutations = randomPermutations(network.spec, toModel(network.tensors), createRng(2));
  const model = await permutationsModel(network.spec, permutations);
  return { bytes: await encodeSafetensors(model), model, permutations };
}

test("a permutation file holds the spec and gives back what was saved", async () => {
  const { bytes, permutations } = await saved();
  const read = await readPermutations(await openModel(bytes));
  assert.equal([...read.permutations], [...permutations]);
  assert.is(formatSpec(read.spec), formatSpec(mlpNetwork(createRng(1)).spec));
});

test("a file says that it is an alignment, of version 1; files of version 0.1, which do not, are read", async () => {
  const { bytes, model, permutations } = await saved();
  assert.is(model.metadata.get("rebasin.kind"), "alignment");
  assert.is(model.metadata.get("rebasin.kind-version"), "1");
  const { alignment } = await readPermutations(await openModel(bytes));
  assert.equal([...alignment.permutations], [...permutations]);
  const old = new Map([...model.metadata].filter(([key]) => !key.startsWith("rebasin.kind")));
  assert.equal([...old.keys()], ["rebasin.fingerprint", "rebasin.spec"]);
  const read = await readPermutations({ ...model, metadata: old });
  assert.equal([...read.permutations], [...permutations]);
});

test("an alignment is taken wherever permutations are, with the same result", async () => {
  const network = mlpNetwork(createRng(1));
  const model = toModel(network.tensors);
  const permutations = randomPermutations(network.spec, model, createRng(2));
  const bytes = async (made: Promise<Model>) => encodeSafetensors(await made);
  const alignment = { permutations };
  const { spec } = network;
  assert.equal(await bytes(permutationsModel(spec, alignment)), await bytes(permutationsModel(spec, permutations)));
  assert.equal(
    await bytes(applyPermutations(model, spec, alignment)),
    await bytes(applyPermutations(model, spec, permutations)),
  );
  assert.equal(
    await bytes(mergeModels(model, model, spec, alignment)),
    await bytes(mergeModels(model, model, spec, permutations)),
  );
});

test("a file that is no permutation file, or was changed, is refused", async () => {
  const { model } = await saved();
  const change = (part: Partial<Model>): Model => ({ ...model, name: "perms", ...part });
  const metadata = (key: string, value: string) => new Map([...model.metadata, [key, value]]);
  const numbers = (dtype: "I32" | "F32", values: number[]) =>
    memoryModel(
      new Map([["P0", { dtype, shape: [values.length], data: new Uint8Array(Int32Array.from(values).buffer) }]]),
      { name: "perms", metadata: model.metadata },
    );
  const cases: [Model, RegExp][] = [
    [change({ metadata: new Map() }), /perms has no metadata rebasin.spec/],
    [change({ metadata: metadata("rebasin.fingerprint", "00") }), /perms has fingerprint 00, expected [0-9a-f]{64}/],
    [
      change({ metadata: metadata("rebasin.kind", "task-affine") }),
      /perms metadata rebasin.kind is "task-affine", expected alignment/,
    ],
    [
      change({ metadata: metadata("rebasin.kind-version", "2") }),
      /perms is an alignment of version "2", expected 1 \(a later rebasin/,
    ],
    [numbers("F32", [0]), /perms: P0 is F32 \[1\], expected I32 of one axis/],
    [numbers("I32", [0, 0]), /perms: permutation P0 has 0 twice/],
  ];
  for (const [file, message] of cases) {
    const error = await refusal(readPermutations(file));
    assert.instance(error, FormatError);
    assert.match(error.message, message);
  }
  assert.instance(await refusal(readPermutations(change({ metadata: metadata("rebasin.spec", "{}") }))), SpecError);
});

test.run();
