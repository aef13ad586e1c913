/** `npm run stress -- detection [LISTS]`: 2,000 random networks by the law of detection, and 1,000,000 lists of names and shapes. */

import { SpecError } from "../../src/base/errors.ts";
import { createRng } from "../../src/base/rng.ts";
import { detectSpec } from "../../src/families/detect-spec.ts";
import { generate } from "../../test/reference/forward/generator.ts";
import { nameList } from "../../test/reference/forward/name-lists.ts";
import { FILE_ORDERS, outcomeOf } from "../../test/reference/forward/outcome.ts";

const NETWORKS = 2000;
const LISTS = Number(process.argv[2] ?? 1_000_000);

/** Processor time of this process: what else runs on the machine does not count. */
function cpuMilliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Random networks: counts by kind; those that are wrong without a word are printed. */
async function networks(): Promise<number> {
  const rng = createRng(16);
  const counts = new Map<string, number>();
  for (let k = 0; k < NETWORKS; k++) {
    const { network, kind, falsehood } = generate(rng);
    const { kind: outcome, spec } = await outcomeOf(
      network,
      k,
      {},
      FILE_ORDERS[k % 2 === 0 ? "in file order" : "sorted"],
    );
    const told = falsehood !== undefined && spec?.assumptions?.some((line) => falsehood.test(line)) === true;
    const word = outcome !== "wrong" ? outcome : told ? "wrong, and its assumption listed" : "WRONG WITHOUT A WORD";
    counts.set(word, (counts.get(word) ?? 0) + 1);
    if (word.startsWith("WRONG")) console.log(`${kind} of seed ${k}: ${spec?.why}`);
  }
  console.log(`${NETWORKS} networks: ${[...counts].map(([word, count]) => `${count} ${word}`).join(", ")}`);
  return counts.get("WRONG WITHOUT A WORD") ?? 0;
}

/** Lists of names and shapes: how many were accepted, the slowest, and what was thrown besides SpecError. */
async function lists(): Promise<number> {
  const rng = createRng(1616);
  let [accepted, slowest, faults] = [0, 0, 0];
  for (let k = 0; k < LISTS; k++) {
    const tensors = nameList(rng);
    const start = cpuMilliseconds();
    try {
      await detectSpec({ tensors });
      accepted++;
    } catch (error) {
      if (!(error instanceof SpecError) || /[\n\r]/.test(error.message)) {
        faults++;
        console.log(`list ${k}: ${error instanceof Error ? error.stack : error}`);
      }
    }
    slowest = Math.max(slowest, cpuMilliseconds() - start);
  }
  console.log(
    `${LISTS} lists: ${accepted} accepted, ${LISTS - accepted - faults} refused, ${faults} other exceptions, slowest ${slowest.toFixed(1)} ms of processor time`,
  );
  return faults + (slowest > 1000 ? 1 : 0);
}

const faults = (await networks()) + (await lists());
process.exitCode = faults === 0 ? 0 : 1;
