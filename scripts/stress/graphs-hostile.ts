/** `npm run stress -- graphs-hostile [COUNT] [FIRST]`: damaged graphs give a spec or a `SpecError`, in bounded time. */

import { SpecError } from "../../src/base/errors.ts";
import { createRng } from "../../src/base/rng.ts";
import { inferSpec } from "../../src/infer/infer-spec.ts";
import { toModel } from "../../test/reference/networks.ts";
import { damagedGraph } from "../../test/reference/operators/damaged-graph.ts";
import { randomGraph } from "../../test/reference/operators/random-graph.ts";

const COUNT = Number(process.argv[2] ?? 20_000);
const FIRST = Number(process.argv[3] ?? 0);

let [accepted, refused, faults, slowest] = [0, 0, 0, 0];
for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
  const rng = createRng(seed);
  const { graph, tensors } = randomGraph(rng);
  const model = toModel(tensors);
  const damaged = damagedGraph(graph, rng);
  const start = performance.now();
  try {
    await inferSpec(damaged, model);
    accepted++;
  } catch (error) {
    if (error instanceof SpecError && !/[\n\r]/.test(error.message)) refused++;
    else {
      faults++;
      if (faults < 20)
        console.log(
          `graph ${seed}: ${error instanceof Error ? error.stack?.split("\n").slice(0, 4).join("\n") : error}`,
        );
    }
  }
  slowest = Math.max(slowest, performance.now() - start);
}
console.log(
  `${COUNT} damaged graphs: ${accepted} accepted, ${refused} refused, ${faults} other exceptions, slowest ${slowest.toFixed(0)} ms`,
);
if (faults > 0) process.exitCode = 1;
