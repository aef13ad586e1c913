/** Many models into one: laws of all three strategies, on small networks. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Spec } from "../../../src/axes/types.ts";
import type { Model } from "../../../src/base/model.ts";
import type { Progress } from "../../../src/base/progress.ts";
import { createRng } from "../../../src/base/rng.ts";
import { encodeSafetensors } from "../../../src/formats/safetensors/write-safetensors.ts";
import { type Many, type ManyOptions, mergeMany } from "../../../src/many/merge-many.ts";
import { matchWeights } from "../../../src/match/match-weights.ts";
import { mergeModels } from "../../../src/merge/merge-models.ts";
import { applyPermutations } from "../../../src/perm/apply-permutations.ts";
import { composePermutations, identityPermutation, invertPermutation } from "../../../src/perm/permutation.ts";
import { sameBytes } from "../../reference/expect-error.ts";
import { firstDifference } from "../../reference/first-difference.ts";
import {
  convNetwork,
  fromModel,
  mlpNetwork,
  type Network,
  residualNetwork,
  type Tensors,
  toModel,
} from "../../reference/networks.ts";
import { plant } from "../../reference/plant.ts";
import { gaussian } from "../../reference/random.ts";

const test = suite("many models into one");

const STRATEGIES = ["merge-many", "cycle-consistent", "tree"] as const;
type Strategy = (typeof STRATEGIES)[number];

/** Copies of one network, each renumbered and with noise of its own. */
async function noisyCopies(network: Network, count: number, noise: number, seed: number): Promise<Model[]> {
  const models: Model[] = [];
  for (let i = 0; i < count; i++) {
    const rng = createRng(1000 * seed + i);
    const tensors = new Map(
      [...network.tensors].map(([name, { shape, data }]) => [
        name,
        { shape, data: data.map((value) => value + noise * gaussian(rng)) },
      ]),
    );
    models.push((await plant(network.spec, toModel(tensors, `model ${i}`), rng)).b);
  }
  return models;
}

const strangers = (build: (seed: number) => Network, count: number): Model[] =>
  Array.from({ length: count }, (_, i) => toModel(build(i + 1).tensors, `model ${i}`));

const small = (seed: number): Network => mlpNetwork(createRng(seed), [20, 33, 17, 10]);

async function sameModel(got: Model, want: Model): Promise<void> {
  for (const name of want.tensors.keys()) sameBytes(await got.read(name), await want.read(name), name);
}

/** Σ_i<j ⟨π_i(θ_i), π_j(θ_j)⟩ and ‖π_i(θ_i) − mean‖, by the book. */
async function measured(models: readonly Model[], spec: Spec, { permutations }: Pick<Many, "permutations">) {
  const all: Float64Array[] = [];
  for (const [i, model] of models.entries()) {
    const tensors = await fromModel(await applyPermutations(model, spec, permutations[i]!));
    const voting = [...tensors].filter(([name]) => spec.tensors.get(name)!.votes);
    all.push(Float64Array.from(voting.flatMap(([, { data }]) => [...data])));
  }
  const mean = all[0]!.map((_, e) => all.reduce((sum, values) => sum + values[e]!, 0) / all.length);
  let objective = 0;
  all.forEach((x, i) => {
    for (const y of all.slice(0, i)) objective += x.reduce((sum, value, e) => sum + value * y[e]!, 0);
  });
  const distances = all.map((x) => Math.sqrt(x.reduce((sum, value, e) => sum + (value - mean[e]!) ** 2, 0)));
  return { objective, distances, norm: Math.sqrt(mean.reduce((sum, value) => sum + value ** 2, 0)) };
}

const near = (got: number, want: number, what: string): void =>
  assert.ok(Math.abs(got - want) <= 1e-9 * (1 + Math.abs(want)), `${what} is ${got}, expected ${want}`);

test("two models by merge-many: the merge of their matching, bit for bit, whichever is visited first", async () => {
  for (let seed = 0; seed < 6; seed++) {
    const [a, b] = [toModel(small(2 * seed + 1).tensors), toModel(small(2 * seed + 2).tensors)];
    const { spec } = small(0);
    const pair = await matchWeights(a, b, spec, { method: "coordinate", seed });
    const merged = await mergeModels(a, b, spec, pair.permutations);
    const many = await mergeMany([a, b], spec, { strategy: "merge-many", seed });
    assert.is(firstDifference(many.permutations[1]!, pair.permutations), null, `seed ${seed}`);
    await sameModel(many.model, merged);
    near(many.report.objective, pair.report.objective, "objective");
  }
});

test("two models by the tree: the merge of their matching; jointly: never below it", async () => {
  const [a, b] = [toModel(small(1).tensors), toModel(small(2).tensors)];
  const { spec } = small(0);
  const pair = await matchWeights(a, b, spec);
  const tree = await mergeMany([a, b], spec, { strategy: "tree" });
  await sameModel(tree.model, await mergeModels(a, b, spec, pair.permutations));
  const joint = await mergeMany([a, b], spec, { strategy: "cycle-consistent" });
  assert.ok(joint.report.objective >= pair.report.objective * (1 - 1e-9));
});

const PLANTED: [string, (seed: number) => Network, readonly Strategy[]][] = [
  ["mlp", small, STRATEGIES],
  ["conv with BatchNorm", (seed) => convNetwork(createRng(seed), true), ["cycle-consistent", "tree"]],
  ["residual", (seed) => residualNetwork(createRng(seed)), ["cycle-consistent", "tree"]],
];

for (const [name, build, strategies] of PLANTED) {
  for (const strategy of strategies) {
    test(`renumbered copies of one ${name} merge to it, bit for bit, by ${strategy}`, async () => {
      for (const count of [2, 3, 5]) {
        const network = build(count);
        const first = toModel(network.tensors);
        const rng = createRng(count);
        const copies = [first];
        const answers = [new Map<string, Int32Array>()];
        while (copies.length < count) {
          const { b, answer } = await plant(network.spec, first, rng);
          copies.push(b);
          answers.push(answer);
        }
        const { model, permutations, report } = await mergeMany(copies, network.spec, { strategy });
        await sameModel(model, first);
        for (const [i, answer] of answers.entries())
          assert.is(firstDifference(permutations[i]!, answer), null, `copy ${i}`);
        for (const distance of report.distances) assert.is(distance, 0);
      }
    });
  }
}

for (const strategy of STRATEGIES) {
  test(`${strategy}: objective and distances are what the permutations give, and not below the models as they are`, async () => {
    for (const build of [small, (seed: number) => convNetwork(createRng(seed), true)]) {
      const models = strangers(build, 4);
      const { spec } = build(0);
      const many = await mergeMany(models, spec, { strategy, seed: 3 });
      const found = await measured(models, spec, many);
      near(many.report.objective, found.objective, "objective");
      for (const [i, distance] of found.distances.entries()) near(many.report.distances[i]!, distance, `distance ${i}`);
      const before = await measured(models, spec, { permutations: models.map(() => new Map()) });
      near(many.report.identityObjective, before.objective, "identity objective");
      for (const [i, distance] of before.distances.entries())
        near(many.report.identityDistances[i]!, distance, `before ${i}`);
      assert.ok(many.report.objective > before.objective);
      assert.is(many.report.models, 4);
      assert.ok(many.report.converged);
    }
  });

  test(`${strategy}: the merged model is the mean of the aligned ones`, async () => {
    const models = strangers(small, 3);
    const { spec } = small(0);
    const { model, permutations } = await mergeMany(models, spec, { strategy });
    const aligned: Tensors[] = [];
    for (const [i, own] of models.entries()) {
      aligned.push(await fromModel(await applyPermutations(own, spec, permutations[i]!)));
    }
    for (const [name, { data }] of await fromModel(model)) {
      const mean = data.map((_, e) => aligned.reduce((sum, tensors) => sum + tensors.get(name)!.data[e]!, 0) / 3);
      sameBytes(new Uint8Array(data.buffer), new Uint8Array(mean.buffer), name);
    }
  });

  test(`${strategy}: from A to B and on to C is from A to C, and the reference stays as it is`, async () => {
    const models = strangers(small, 3);
    for (const reference of [0, 2]) {
      const { permutations } = await mergeMany(models, small(0).spec, { strategy, reference });
      for (const [name, order] of permutations[reference]!) {
        assert.equal(order, identityPermutation(order.length));
        const between = (i: number, j: number): Int32Array =>
          composePermutations(invertPermutation(permutations[i]!.get(name)!), permutations[j]!.get(name)!);
        assert.equal(composePermutations(between(0, 1), between(1, 2)), between(0, 2));
      }
    }
  });
}

test("merge-many: another reference renumbers the same merge", async () => {
  const models = strangers(small, 3);
  const { spec } = small(0);
  const [first, last] = [
    await mergeMany(models, spec, { strategy: "merge-many", reference: 0 }),
    await mergeMany(models, spec, { strategy: "merge-many", reference: 2 }),
  ];
  const back = new Map([...first.permutations[2]!].map(([name, order]) => [name, invertPermutation(order)]));
  await sameModel(last.model, await applyPermutations(first.model, spec, back));
});

test("the objective never falls from step to step, of joint steps and of rounds", async () => {
  for (const strategy of ["merge-many", "cycle-consistent"] as const) {
    const seen: Progress[] = [];
    const models = strangers(small, 4);
    const { report } = await mergeMany(models, small(0).spec, { strategy, onProgress: (p) => seen.push(p) });
    for (const stage of ["frank-wolfe", "many"] as const) {
      const values = seen.flatMap(({ stage: own, objective }) => (own === stage ? (objective ?? []) : []));
      for (let at = 1; at < values.length; at++) assert.ok(values[at]! >= values[at - 1]!, `${stage} ${at}`);
      assert.is(values.length > 0, stage === "many" || strategy === "cycle-consistent");
    }
    near(seen.at(-1)!.objective!, report.objective, "last objective");
    assert.is(report.iterations > 0, strategy === "cycle-consistent");
  }
});

test("jointly, the objective is at least what merge-many and the tree reach, nearly always", async () => {
  let above = 0;
  for (let seed = 0; seed < 5; seed++) {
    const models = await noisyCopies(small(seed), 4, 0.15, seed);
    const reach = async (options: ManyOptions): Promise<number> =>
      (await mergeMany(models, small(seed).spec, options)).report.objective;
    const joint = await reach({ strategy: "cycle-consistent" });
    const best = Math.max(await reach({ strategy: "merge-many" }), await reach({ strategy: "tree" }));
    if (joint >= best * (1 - 1e-9)) above++;
  }
  assert.ok(above >= 4, `${above} of 5`);
});

test("cycle-consistent: the order of the other models decides nothing where the answer is clear", async () => {
  const network = residualNetwork(createRng(1));
  const models = await noisyCopies(network, 4, 0.02, 1);
  const { permutations } = await mergeMany(models, network.spec);
  const turned = await mergeMany(
    [0, 3, 1, 2].map((i) => models[i]!),
    network.spec,
  );
  [0, 3, 1, 2].forEach((from, at) => {
    assert.is(firstDifference(turned.permutations[at]!, permutations[from]!), null);
  });
  // Another hub, the numbering of the first again: the same alignment.
  const other = await mergeMany(models, network.spec, { reference: 2 });
  for (const [name, order] of permutations[1]!) {
    const toFirst = invertPermutation(other.permutations[0]!.get(name)!);
    assert.equal(composePermutations(toFirst, other.permutations[1]!.get(name)!), order);
  }
});

test("tree: every model has the same weight in the end, whatever their number", async () => {
  for (const count of [2, 3, 4, 5, 6, 7]) {
    const { report } = await mergeMany(strangers(small, count), small(0).spec, { strategy: "tree" });
    assert.is(report.stages.length, Math.ceil(Math.log2(count)));
    assert.is(report.rounds, report.stages.length);
    const weights = new Map<number, number>();
    const scale = (i: number, factor: number) => weights.set(i, (weights.get(i) ?? 1) * factor);
    for (const { pairs } of report.stages) {
      for (const { a, b, lambda } of pairs) {
        for (const i of a) scale(i, 1 - lambda);
        for (const i of b) scale(i, lambda);
      }
    }
    assert.is(weights.size, count);
    for (const weight of weights.values()) near(weight, 1 / count, `weight of ${count}`);
    near(
      [...weights.values()].reduce((sum, weight) => sum + weight, 0),
      1,
      "sum",
    );
    let left = count;
    for (const { norms } of report.stages) {
      left = Math.ceil(left / 2);
      assert.is(norms.length, left);
    }
  }
});

test("tree: norms are those of the merges, and fall", async () => {
  const models = strangers(small, 4);
  const { spec } = small(0);
  const many = await mergeMany(models, spec, { strategy: "tree" });
  const [first, second] = many.report.stages;
  const { norm } = await measured(models, spec, many);
  // The merge of a stage is f32.
  assert.ok(Math.abs(second!.norms[0]! - norm) < 1e-6 * norm);
  assert.ok(first!.norms.every((before) => before > second!.norms[0]!));
});

test("merge-many stops at maxRounds and says so; seeds change the order of models", async () => {
  const models = strangers(small, 4);
  const { spec } = small(0);
  const { report } = await mergeMany(models, spec, { strategy: "merge-many", maxRounds: 1 });
  assert.is(report.rounds, 1);
  assert.is(report.converged, false);
  const merges = new Set<number>();
  for (const seed of [0, 1, 2, 3]) {
    merges.add((await mergeMany(models, spec, { strategy: "merge-many", seed })).report.objective);
  }
  assert.ok(merges.size > 1);
  const again = await mergeMany(models, spec, { strategy: "merge-many", seed: 2 });
  const once = await mergeMany(models, spec, { strategy: "merge-many", seed: 2 });
  sameBytes(await encodeSafetensors(again.model), await encodeSafetensors(once.model));
});

test.run();
