/**
 * Same input, same bytes: digests of whole results that must come out the same in every runtime and build. A change
 * here changes what users' files contain: it needs a reason and a line in CHANGELOG.md.
 */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng } from "../../src/base/rng.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write-safetensors.ts";
import { type Method, matchWeights } from "../../src/match/match-weights.ts";
import { type MergeOptions, mergeModels } from "../../src/merge/merge-models.ts";
import { permutationsModel } from "../../src/perm/permutation-file.ts";
import { convNetwork, mlpNetwork, type Network, residualNetwork, toModel } from "../reference/networks.ts";

const test = suite("same bytes everywhere");

async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const CASES: [string, (seed: number) => Network, Method, MergeOptions, string][] = [
  [
    "mlp",
    (seed) => mlpNetwork(createRng(seed), [20, 65, 33, 10]),
    "frank-wolfe",
    {},
    "fea51ff0fb4467bb9e8dbe9f0075e9c87b4f6c2aa850c7724bd19f2a34f38ef8 f32d09f1102b60be91f870c4dadb8dc09d3c99f30887ba0ce32231b380e6acc3",
  ],
  [
    "mlp",
    (seed) => mlpNetwork(createRng(seed), [20, 65, 33, 10]),
    "coordinate",
    { blend: "slerp", lambda: 0.3 },
    "fe2c04b83f008510ae92b6be46569b7d879b1fa266c794756a81f5e3ec74d660 58d49fbaeff76391f516e121dc54fde2a5a413b0f65989dc1ad5f748b7f81880",
  ],
  [
    "conv",
    (seed) => convNetwork(createRng(seed), true),
    "frank-wolfe",
    { lambda: 0.7 },
    "5bf68d211121779b8907bf7ad1131daf9fc15b320446809f281c09bf23d57306 ff1acb3ce979324f3c81548d6494d02b97b9b2d500e60e75c40367bf5ac70868",
  ],
  [
    "mlp that is worth sharing out",
    (seed) => mlpNetwork(createRng(seed), [60, 307, 301, 10]),
    "frank-wolfe",
    {},
    "e93c62477777426a207b4ffc9722ab57e755d6cb14085cf0d20b555e5cf89478 3895cb40213b55488dd1f7abace0e1e81c649491dfa4665e6b60c01d1e375d97",
  ],
  [
    "mlp with one hidden layer",
    (seed) => mlpNetwork(createRng(seed), [70, 305, 10]),
    "frank-wolfe",
    { lambda: 0.4 },
    "8ba13d9a4d44016d15558c4932a5fcbd164be86300a88e0354ad9d3397997124 52594f9a75a6941647435f791dde274de88c3b2c5fdbffa88aa373a50008494f",
  ],
  [
    "residual",
    (seed) => residualNetwork(createRng(seed)),
    "frank-wolfe",
    { blend: "slerp" },
    "f7badd400143d38796b1847fe1b68c5e62aa85bf4bb267018ba3af09080b601c f167a8a04ca69ba808e81e0836b6b39f72cdf9e3778de8147bde01ca280ed259",
  ],
];

for (const [name, build, method, merge, want] of CASES) {
  for (const [simd, threads] of [
    [true, 1],
    [false, 1],
    [true, 2],
    [false, 4],
  ] as const) {
    const how = `${simd ? "SIMD" : "scalar"}, threads ${threads}`;
    test(`${name}, ${method}, ${JSON.stringify(merge)}, ${how}`, async () => {
      const [one, two] = [build(1), build(2)];
      const [a, b] = [toModel(one.tensors), toModel(two.tensors)];
      const { permutations } = await matchWeights(a, b, one.spec, { method, simd, threads });
      const merged = await encodeSafetensors(await mergeModels(a, b, one.spec, permutations, { ...merge, simd }));
      const file = await permutationsModel(one.spec, permutations);
      // As version 0.1 wrote it: since then two entries of metadata have come.
      const metadata = new Map([...file.metadata].filter(([key]) => !key.startsWith("rebasin.kind")));
      const saved = await encodeSafetensors({ ...file, metadata });
      assert.is(`${await sha256(merged)} ${await sha256(saved)}`, want);
    });
  }
}

test.run();
