/** Checkpoints of measurements: what is kept comes back to the last bit, and only where everything fits. */

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { memoryModel, type TensorData } from "../../src/base/memory-model.ts";
import { dataDigest, modelDigest, pairDigests } from "../../src/cli/digests.ts";
import { type KeptResults, withCheckpoint } from "../../src/cli/kept-results.ts";
import { averagePoolTo } from "../../src/data/average-pool.ts";
import { firstImages } from "../../src/data/select.ts";
import { detectSpec } from "../../src/families/detect-spec.ts";
import { initialiseModel } from "../../src/families/initialise.ts";
import { rejects } from "../reference/expect-error.ts";
import { madeUpImages } from "../reference/image-sets.ts";
import { inFolder } from "../reference/temporary-folder.ts";

const test = suite("checkpoints of measurements");

const OF = new Map([
  ["model A", "a1"],
  ["--points", "5"],
]);
const VALUES: [string, unknown][] = [
  ["test naive 0.1", { lambda: 0.1, loss: 1 / 3, accuracy: 5e-324 }],
  ["test naive 0.2", { lambda: 0.2, loss: Number.NaN, accuracy: 0 }],
  ["__proto__", { loss: Number.POSITIVE_INFINITY, bins: [Number.NEGATIVE_INFINITY, 1e300] }],
];

/** Runs `use` with a checkpoint at `path`; gives what was said. */
async function run(
  path: string | undefined,
  use: (kept: KeptResults) => Promise<void>,
  of: ReadonlyMap<string, string> = OF,
): Promise<string[]> {
  const said: string[] = [];
  const plan = {
    path,
    inputs: [],
    of: async () => of,
    count: (names: Iterable<string>) => `${[...names].length} of 9`,
  };
  try {
    await withCheckpoint({ say: (line) => said.push(line) }, plan, use);
  } catch (error) {
    if ((error as Error).message !== "stopped") throw error;
  }
  return said;
}

/** Keeps all values, and is stopped. */
async function keepAll(kept: KeptResults): Promise<void> {
  for (const [name, value] of VALUES) await kept.keep(name, value);
  throw new Error("stopped");
}

test("what is kept when a run stops comes back, every bit of it; the file goes when a run is done", () =>
  inFolder(async (folder) => {
    const path = join(folder, "c");
    assert.equal(await run(path, keepAll), [`3 of 9 are kept in ${path}: the same command continues`]);
    assert.equal(readdirSync(folder), ["c"]);
    const said = await run(path, async ({ found, keep }) => {
      assert.equal([...found], VALUES);
      await keep("more", 1);
      throw new Error("stopped");
    });
    assert.equal(said, ["continues: 3 of 9 are there", `4 of 9 are kept in ${path}: the same command continues`]);
    assert.equal(await run(path, async ({ found }) => assert.equal([...found], [...VALUES, ["more", 1]])), [
      "continues: 4 of 9 are there",
    ]);
    assert.equal(readdirSync(folder), []);
  }));

test("the first result is in the file at once: a process that is killed leaves it", () =>
  inFolder(async (folder) => {
    await run(join(folder, "c"), async ({ keep }) => {
      assert.equal(readdirSync(folder), []);
      await keep("first", 1);
      assert.match(readFileSync(join(folder, "c"), "utf8"), /\["first",1\]/);
    });
  }));

test("a file with any byte changed or cut off is not used, and is replaced", () =>
  inFolder(async (folder) => {
    const path = join(folder, "c");
    await run(path, keepAll);
    const good = readFileSync(path);
    const damaged = [
      ...Array.from({ length: good.length }, (_, at) => good.map((byte, i) => (i === at ? byte ^ 1 : byte))).slice(19),
      ...Array.from({ length: good.length - 19 }, (_, cut) => good.subarray(0, 19 + cut)),
      Buffer.concat([good, Buffer.from("x")]),
    ];
    assert.ok(damaged.length > 500);
    for (const bytes of damaged) {
      writeFileSync(path, bytes);
      const said = await run(path, async ({ found }) => assert.is(found.size, 0));
      assert.equal(said, [`${path} is damaged, or of another version: starts anew`]);
      assert.not.ok(existsSync(path));
    }
  }));

test("a file of another run is not used: the line says what differs", () =>
  inFolder(async (folder) => {
    const path = join(folder, "c");
    const others: [string, [string, string][]][] = [
      ["model A", [["model A", "a2"]]],
      ["--points", [["--points", "6"]]],
      ["--repair", [["--repair", "rescale"]]],
    ];
    for (const [name, entries] of others) {
      await run(path, keepAll);
      const other = new Map([...OF, ...entries]);
      const said = await run(path, async ({ found }) => assert.is(found.size, 0), other);
      assert.equal(said, [`${path} is of another run, which differs in ${name}: starts anew`]);
      await run(path, keepAll, other);
      assert.match((await run(path, async () => {}))[0]!, `differs in ${name}`);
    }
  }));

test("a file of something else stays as it is, whatever happens", () =>
  inFolder(async (folder) => {
    const path = join(folder, "precious");
    for (const content of ["precious", "", "rebasin-", "\u0000"]) {
      writeFileSync(path, content);
      for (const use of [keepAll, async () => {}]) {
        const said = await run(path, use);
        assert.equal(said, [`${path} is no checkpoint of this command: it stays, and nothing is kept`]);
        assert.is(readFileSync(path, "utf8"), content);
      }
    }
    await rejects(() => run(folder, keepAll), RangeError, /expected a checkpoint or nothing$/);
  }));

test("without a path nothing is kept, and nothing said", () =>
  inFolder(async (folder) => {
    assert.equal(await run(undefined, keepAll), []);
    assert.equal(readdirSync(folder), []);
  }));

test("digests tell all inputs apart, and are the same for the same", async () => {
  const model = (edit: (tensors: Map<string, TensorData>) => void = () => {}) => {
    const tensors = new Map<string, TensorData>([
      ["fc.weight", { dtype: "F32", shape: [2, 3], data: new Uint8Array(24) }],
      ["fc.bias", { dtype: "F32", shape: [2], data: new Uint8Array(8) }],
    ]);
    edit(tensors);
    return memoryModel(tensors);
  };
  const weight = (change: object) =>
    model((tensors) => tensors.set("fc.weight", { ...tensors.get("fc.weight")!, ...change }));
  const models = await Promise.all(
    [
      model(),
      weight({ dtype: "I32" }),
      weight({ shape: [3, 2] }),
      weight({ data: new Uint8Array(24).fill(1, 23) }),
      model((tensors) => tensors.delete("fc.bias")),
      model((tensors) => tensors.set("more", tensors.get("fc.bias")!)),
    ].map((each) => modelDigest(each)),
  );
  assert.is(new Set(models).size, models.length);
  assert.is(await modelDigest(model()), models[0]);

  const images = (count: number, seed: number, classes = 3) => madeUpImages(count, [2, 2, 1], classes, seed);
  const sets = [
    images(1500, 1),
    images(1499, 1),
    images(1500, 2),
    images(1500, 1, 4),
    averagePoolTo(images(1500, 1), 1),
  ];
  assert.is(new Set(sets.map(dataDigest)).size, sets.length);
  assert.is(dataDigest(firstImages(images(1500, 1), 1499)), dataDigest(firstImages(images(1500, 1), 1499)));

  const a = initialiseModel({ family: "mlp", widths: [4, 3, 2] }, 1);
  const of = async (order: number[], b = a) =>
    new Map(
      await pairDigests({ a, b, spec: await detectSpec(a), permutations: new Map([["P0", Int32Array.from(order)]]) }),
    );
  const [first, second] = [
    await of([0, 1, 2]),
    await of([0, 2, 1], initialiseModel({ family: "mlp", widths: [4, 3, 2] }, 2)),
  ];
  const differ = [...first.keys()].filter((name) => first.get(name) !== second.get(name));
  assert.equal(differ, ["model B", "permutations"]);
});

test.run();
