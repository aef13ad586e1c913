/** Many models into one: what is refused, other dtypes, structures beyond chains, and the same bytes everywhere. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseSpec } from "../../../src/axes/spec-file.ts";
import { SpecError } from "../../../src/base/errors.ts";
import { memoryModel } from "../../../src/base/memory-model.ts";
import type { Model } from "../../../src/base/model.ts";
import { createRng } from "../../../src/base/rng.ts";
import { encodeSafetensors } from "../../../src/formats/safetensors/write-safetensors.ts";
import { type ManyOptions, mergeMany } from "../../../src/many/merge-many.ts";
import { applyPermutations } from "../../../src/perm/apply-permutations.ts";
import { rejects, sameBytes } from "../../reference/expect-error.ts";
import { firstDifference } from "../../reference/first-difference.ts";
import { convNetwork, mlpNetwork, toModel } from "../../reference/networks.ts";
import { plant } from "../../reference/plant.ts";
import { gaussianArray } from "../../reference/random.ts";

const test = suite("many models into one, hostile and odd");

const STRATEGIES = ["merge-many", "cycle-consistent", "tree"] as const;
const { spec } = mlpNetwork(createRng(0));
const model = (seed: number, name = `model ${seed}`): Model => toModel(mlpNetwork(createRng(seed)).tensors, name);
const three = (): Model[] => [model(1), model(2), model(3)];

test("fewer than two models, and models that differ, are refused by name", async () => {
  await rejects(() => mergeMany([], spec), RangeError, /^0 models, expected two or more$/);
  await rejects(() => mergeMany([model(1)], spec), RangeError, /^1 models, expected two or more$/);
  const wider = toModel(mlpNetwork(createRng(1), [6, 12, 10, 4]).tensors, "wider");
  for (const strategy of STRATEGIES) {
    const odd = await rejects(() => mergeMany([model(1), model(2), wider], spec, { strategy }), SpecError, /wider/);
    assert.match(odd.message, "layers.1.weight");
  }
  const other = parseSpec({ format: "rebasin-spec/1", tensors: { "layers.0.weight": { axes: ["P", "7"] } } });
  await rejects(() => mergeMany(three(), other), SpecError, /model 1/);
});

test("NaN and infinity are refused with model, tensor and place; in tensors that do not vote, when they are read", async () => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
    for (const strategy of STRATEGIES) {
      const broken = mlpNetwork(createRng(2));
      broken.tensors.get("layers.1.weight")!.data[5] = value;
      const models = [model(1), toModel(broken.tensors, "broken"), model(3)];
      await rejects(
        () => mergeMany(models, spec, { strategy }),
        RangeError,
        new RegExp(`^broken: layers.1.weight has ${value} at element 5, expected finite numbers$`),
      );
    }
  }
  const networks = [1, 2].map((seed) => convNetwork(createRng(seed), true));
  networks[1]!.tensors.get("bn0.running_var")!.data[2] = Number.NaN;
  const merged = await mergeMany(
    networks.map(({ tensors }) => toModel(tensors)),
    networks[0]!.spec,
  );
  await merged.model.read("bn1.running_var");
  await rejects(() => merged.model.read("bn0.running_var"), RangeError, /bn0\.running_var has NaN/);
});

test("options out of range are refused", async () => {
  const refused = (options: object, message: RegExp, Type: typeof RangeError | typeof TypeError = RangeError) =>
    rejects(() => mergeMany(three(), spec, options as ManyOptions), Type, message);
  await refused({ strategy: "star" }, /^strategy "star", expected one of merge-many, cycle-consistent, tree$/);
  await refused({ strategy: "tree", method: "best" }, /^method "best"/);
  await refused({ method: "coordinate" }, /expected no method$/);
  await refused({ maxRounds: 0 }, /^maxRounds 0/);
  await refused({ reference: 3 }, /^reference 3, expected the number of a model, 0 to 2$/);
  await refused({ reference: -1 }, /^reference -1/);
  await refused({ threads: 0 }, /^threads 0/);
  await refused({ seed: 0.5 }, /^seed 0.5/);
  await refused({ rounds: 3 }, /^mergeMany option "rounds"/, TypeError);
});

test("an aborted merge rejects with the signal's reason, before it starts and in the middle", async () => {
  for (const strategy of STRATEGIES) {
    const reason = new Error("enough");
    await rejects(() => mergeMany(three(), spec, { strategy, signal: AbortSignal.abort(reason) }), Error, /^enough$/);
    const control = new AbortController();
    const onProgress = (): void => control.abort(reason);
    await rejects(() => mergeMany(three(), spec, { strategy, signal: control.signal, onProgress }), Error, /^enough$/);
  }
});

test("closing the merge closes every model", async () => {
  const closed: string[] = [];
  const models = three().map((own) => ({ ...own, close: async () => void closed.push(own.name) }));
  const merged = await mergeMany(models, spec, { strategy: "tree" });
  await merged.model.close!();
  assert.equal(closed, ["model 1", "model 2", "model 3"]);
});

test("dtypes: F64 is averaged in f64, halves in f32, integers come from the first model", async () => {
  const fixed = parseSpec({ format: "rebasin-spec/1", tensors: {}, rest: "fixed" });
  const bytes = (data: ArrayBufferView): Uint8Array => new Uint8Array(data.buffer as ArrayBuffer);
  const make = (wide: number, half: number, count: number): Model =>
    memoryModel(
      new Map([
        ["wide", { dtype: "F64", shape: [1], data: bytes(Float64Array.of(wide)) }],
        ["half", { dtype: "F16", shape: [1], data: bytes(Uint16Array.of(half)) }],
        ["count", { dtype: "I32", shape: [1], data: bytes(Int32Array.of(count)) }],
        ["pair", { dtype: "C64", shape: [1], data: bytes(Float32Array.of(wide, half)) }],
      ]),
    );
  // 1.0, 1.5 and 2.0 in F16.
  const merged = (await mergeMany([make(1, 0x3c00, 7), make(1 + 3e-12, 0x3e00, 8), make(1, 0x4000, 9)], fixed)).model;
  assert.is(new Float64Array((await merged.read("wide")).slice().buffer)[0], (1 + (1 + 3e-12) + 1) / 3);
  assert.is(new Uint16Array((await merged.read("half")).slice().buffer)[0], 0x3e00);
  assert.is(new Int32Array((await merged.read("count")).slice().buffer)[0], 7);
  assert.is(new Float32Array((await merged.read("pair")).slice().buffer)[0], 1);
  await rejects(() => merged.read("none"), RangeError, /none/);
});

/** Beyond chains: heads with units inside, concatenation, one permutation on two axes, three together. */
const STRUCTURES: Record<string, { tensors: Record<string, [string[], number[]]>; nested?: object }> = {
  heads: {
    tensors: {
      q: [
        ["H*5", "D"],
        [20, 16],
      ],
      v: [
        ["V", "D"],
        [20, 16],
      ],
      o: [
        ["D", "V"],
        [16, 20],
      ],
      embed: [
        ["7", "D"],
        [7, 16],
      ],
    },
    nested: { V: { outer: "H", inner: 5 } },
  },
  concatenation: {
    tensors: {
      one: [
        ["P", "6"],
        [10, 6],
      ],
      two: [
        ["Q", "6"],
        [8, 6],
      ],
      join: [
        ["R", "P|Q|3"],
        [12, 21],
      ],
      end: [
        ["4", "R"],
        [4, 12],
      ],
    },
  },
  recurrent: {
    tensors: {
      in: [
        ["4*C", "9"],
        [36, 9],
      ],
      hidden: [
        ["4*C", "C"],
        [36, 9],
      ],
      out: [
        ["5", "C"],
        [5, 9],
      ],
    },
  },
  grouped: {
    tensors: {
      before: [
        ["I", "9"],
        [8, 9],
      ],
      grouped: [
        ["G*O", "I", "9"],
        [18, 8, 9],
      ],
      after: [
        ["6", "G*O"],
        [6, 18],
      ],
      gate: [
        ["G", "5"],
        [3, 5],
      ],
    },
  },
};

for (const [name, { tensors, nested }] of Object.entries(STRUCTURES)) {
  test(`structures: renumbered copies of one model with ${name} merge to it`, async () => {
    const entries = Object.entries(tensors);
    const structure = parseSpec({
      format: "rebasin-spec/1",
      tensors: Object.fromEntries(entries.map(([tensor, [axes]]) => [tensor, { axes }])),
      ...(nested === undefined ? {} : { permutations: nested }),
    });
    const rng = createRng(4);
    const first = toModel(
      new Map(
        entries.map(([tensor, [, shape]]) => [
          tensor,
          {
            shape,
            data: gaussianArray(
              shape.reduce((count, size) => count * size, 1),
              rng,
            ),
          },
        ]),
      ),
    );
    const planted = [await plant(structure, first, rng), await plant(structure, first, rng)];
    const merged = await mergeMany([first, ...planted.map(({ b }) => b)], structure);
    planted.forEach(({ answer }, i) => {
      assert.is(firstDifference(merged.permutations[i + 1]!, answer), null);
    });
    for (const tensor of first.tensors.keys())
      sameBytes(await merged.model.read(tensor), await first.read(tensor), tensor);
    // Strangers: whatever is found fits the spec.
    const strangers = [1, 2, 3].map((seed) => {
      const own = createRng(seed);
      return toModel(
        new Map(
          [...first.tensors].map(([tensor, { shape }]) => [
            tensor,
            {
              shape: [...shape],
              data: gaussianArray(
                shape.reduce((count, size) => count * size, 1),
                own,
              ),
            },
          ]),
        ),
      );
    });
    for (const strategy of STRATEGIES) {
      const { permutations, report } = await mergeMany(strangers, structure, { strategy });
      assert.ok(report.objective > report.identityObjective);
      for (const [i, own] of strangers.entries()) await applyPermutations(own, structure, permutations[i]!);
    }
  });
}

const DIGESTS: Record<(typeof STRATEGIES)[number], string> = {
  "merge-many": "cc5613e2fb78744c18e8749a2409905278903c0825c9e45d695d6c6ac5e56bda",
  "cycle-consistent": "dcbbed68b1d00c7703e80f298d1c647cbf898fb224f0783cc2192b2cb0963fa7",
  tree: "481cd98f859178a74876f167f1a5c01ab89f0863ff82057b90a2c197d6c8d32f",
};

async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

for (const strategy of STRATEGIES) {
  for (const [simd, threads] of [
    [true, 1],
    [false, 1],
    [true, 2],
  ] as const) {
    test(`same bytes everywhere: ${strategy}, ${simd ? "SIMD" : "scalar"}, threads ${threads}`, async () => {
      const networks = [1, 2, 3].map((seed) => mlpNetwork(createRng(seed), [20, 65, 33, 10]));
      const merged = await mergeMany(
        networks.map(({ tensors }, i) => toModel(tensors, `model ${i}`)),
        networks[0]!.spec,
        { strategy, simd, threads },
      );
      assert.is(await sha256(await encodeSafetensors(merged.model)), DIGESTS[strategy]);
    });
  }
}

test.run();
