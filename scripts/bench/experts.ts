/**
 * A layer of experts: `node scripts/run.mjs scripts/bench/experts.ts E F D [FOLDER]` prints what matching it needs, by
 * the plan of its memory and without any weight. With a folder, it also makes a pair there, which
 * `match a.safetensors b.safetensors --spec spec.json` recovers.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { resolveSpec } from "../../src/axes/resolve-spec.ts";
import { parseSpec } from "../../src/axes/spec-file.ts";
import { memoryModel } from "../../src/base/memory-model.ts";
import type { TensorInfo } from "../../src/base/model.ts";
import { createRng, randomPermutation } from "../../src/base/rng.ts";
import { createKernels } from "../../src/kernels/kernels.ts";
import { areasEnd } from "../../src/match/costs/areas.ts";
import { isLinear, outlineProblem } from "../../src/match/costs/problem.ts";
import { nestedCode } from "../../src/match/nested.ts";
import { outlineMatching } from "../../src/match/outline-matching.ts";
import { saveSafetensors } from "../../src/node/save-safetensors.ts";
import { applyPermutations } from "../../src/perm/apply-permutations.ts";

const [experts = 8, units = 1024, width = 1024] = process.argv.slice(2, 5).map(Number);
const folder = process.argv[5];
const shapes = new Map<string, number[]>([["router", [experts, width]]]);
const tensors: Record<string, object> = { router: { axes: ["E", "_"] } };
for (let at = 0; at < experts; at++)
  for (const series of ["gate", "up", "down"]) {
    const isDown = series === "down";
    shapes.set(`${at}.${series}`, isDown ? [width, units] : [units, width]);
    tensors[`${at}.${series}`] = { axes: isDown ? ["_", "F/E"] : ["F/E", "_"], slice: { of: "E", at, series } };
  }
const json = { format: "rebasin-spec/2", tensors, permutations: { F: { outer: "E", inner: units } } };
const spec = parseSpec(json);
const infos = new Map([...shapes].map(([name, shape]): [string, TensorInfo] => [name, { dtype: "BF16", shape }]));
const resolved = resolveSpec(spec, infos);

const kernels = createKernels();
const solving = { jointly: true, starts: false };
const { outline } = await outlineMatching(resolved, {}, solving);
const needs = { jointly: !isLinear(outline) };
const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
console.log(`${experts} experts of ${units} units, width ${width}`);
console.log(`work areas of matching      ${mb(areasEnd(kernels, outline, needs))}`);
console.log(
  `with one matrix of all      ${mb(areasEnd(kernels, outlineProblem(resolved, {}, nestedCode), { jointly: true }))}`,
);

if (folder !== undefined) {
  const rng = createRng(1);
  const noise = Uint16Array.from(
    { length: 65_521 },
    () => 0x3c00 + Math.floor(rng.uniform() * 0x180) + (rng.uniform() < 0.5 ? 0x8000 : 0),
  );
  const a = memoryModel(
    new Map(
      [...infos].map(([name, { shape }], t) => {
        const data = Uint16Array.from(
          { length: shape[0]! * shape[1]! },
          (_, e) => noise[(Math.imul(e + t * 7919, 2654435761) >>> 0) % noise.length]!,
        );
        return [name, { dtype: "BF16" as const, shape, data: new Uint8Array(data.buffer) }];
      }),
    ),
  );
  const order = randomPermutation(experts, rng);
  const inside = Int32Array.from(
    [...order].flatMap((block) => [...randomPermutation(units, rng)].map((unit) => block * units + unit)),
  );
  const moved = await applyPermutations(
    a,
    spec,
    new Map([
      ["E", order],
      ["F", inside],
    ]),
  );
  await saveSafetensors(a, join(folder, "a.safetensors"), { force: true });
  await saveSafetensors(moved, join(folder, "b.safetensors"), { force: true });
  writeFileSync(join(folder, "spec.json"), JSON.stringify(json));
}
