/**
 * `npm run stress -- graphs [COUNT] [FIRST] [SUBSETS]`: random networks from the supported operators keep their function under the spec
 * of their graph; with SUBSETS, so many ways to exchange two units are tried for every frozen axis, and none may keep it.
 */

import { createRng } from "../../src/base/rng.ts";
import { deviationOf, stuckAxes } from "../../test/reference/operators/graph-laws.ts";
import { randomGraph } from "../../test/reference/operators/random-graph.ts";

const COUNT = Number(process.argv[2] ?? 5000);
const FIRST = Number(process.argv[3] ?? 0);
const SUBSETS = Number(process.argv[4] ?? 0);
/** Sums in another order, in f64. */
const TOLERANCE = 1e-7;

let [wrong, moved, permutations] = [0, 0, 0];
const parts = new Map<string, number>();
for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
  const rng = createRng(seed);
  const network = randomGraph(rng);
  for (const part of network.parts) parts.set(part, (parts.get(part) ?? 0) + 1);
  try {
    const { spec, off } = await deviationOf(network, rng);
    const names = new Set(
      [...spec.tensors.values()].flatMap(({ axes }) => axes.flat(2)).filter((each) => typeof each === "string"),
    );
    names.delete("_");
    permutations += names.size;
    if (names.size > 0) moved++;
    const stuck = SUBSETS > 0 ? await stuckAxes(network, rng, SUBSETS) : [];
    for (const places of stuck) console.log(`graph ${seed} (${network.parts.join(", ")}) could move ${places}`);
    if (off < TOLERANCE && stuck.length === 0) continue;
    if (off >= TOLERANCE) console.log(`graph ${seed} (${network.parts.join(", ")}) is off by ${off}`);
  } catch (error) {
    console.log(`graph ${seed} (${network.parts.join(", ")}): ${error instanceof Error ? error.stack : error}`);
  }
  wrong++;
}
console.log(`${COUNT} graphs: ${wrong} wrong, ${moved} with permutations, ${permutations} permutations`);
console.log([...parts].map(([part, count]) => `${part} ${count}`).join(", "));
if (wrong > 0) process.exitCode = 1;
