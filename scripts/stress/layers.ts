/**
 * `npm run stress -- layers [COUNT] [FIRST] [SUBSETS]`: random models of TensorFlow.js' layers keep their function under the spec of their
 * graph; with SUBSETS, so many ways to exchange two units are tried for every frozen axis, and none may keep it.
 * Needs `npm ci --prefix test/peers`.
 */

import { createRequire } from "node:module";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { startBackend } from "../../src/run/tfjs/backend.ts";
import { checkLayers } from "../../test/reference/layer-laws.ts";

const COUNT = Number(process.argv[2] ?? 1000);
const FIRST = Number(process.argv[3] ?? 0);
const SUBSETS = Number(process.argv[4] ?? 0);
const TOLERANCE = 1e-4;

const tfl = createRequire(join(process.cwd(), "test/peers/package.json"))("@tensorflow/tfjs-layers");
await startBackend();
let [wrong, moved, compared, worst] = [0, 0, 0, 0];
const counts = new Map<string, number>();
for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
  try {
    const { parts, off, apart, stuck } = await checkLayers({ tf, tfl }, seed, SUBSETS);
    for (const part of parts) counts.set(part, (counts.get(part) ?? 0) + 1);
    if (off !== undefined) moved++;
    worst = Math.max(worst, off ?? 0);
    for (const places of stuck) console.log(`model ${seed} (${parts.join(", ")}) could move ${places}`);
    if (apart !== undefined) compared++;
    if ((off ?? 0) <= TOLERANCE && (apart ?? 0) <= TOLERANCE && stuck.length === 0) continue;
    if ((apart ?? 0) > TOLERANCE) console.log(`model ${seed} (${parts.join(", ")}) is read wrong, off by ${apart}`);
    if ((off ?? 0) > TOLERANCE) console.log(`model ${seed} (${parts.join(", ")}) is off by ${off}`);
  } catch (error) {
    console.log(`model ${seed}: ${error instanceof Error ? error.stack : error}`);
  }
  wrong++;
}
console.log(
  `${COUNT} models: ${wrong} wrong, ${compared} compared with plain loops, ${moved} with permutations, off by at most ${worst.toExponential(1)}`,
);
console.log([...counts].map(([part, count]) => `${part} ${count}`).join(", "));
if (wrong > 0) process.exitCode = 1;
