/** `npm run stress -- blends [CASES]`: random small cases of every blend against its reference. */

import { BLENDS, type BlendName } from "../../src/merge/blends/blends.ts";
import { caseRng, differenceOf, drawCase } from "../../test/reference/blend-cases.ts";

const CASES = Number(process.argv[2] ?? 20_000);
const BOUND = 1e-6;

let faults = 0;
for (const blend of Object.keys(BLENDS) as BlendName[]) {
  let worst = 0;
  for (let number = 0; number < CASES; number++) {
    const difference = await differenceOf(drawCase(blend, caseRng(number)));
    if (difference > worst) worst = difference;
    if (difference <= BOUND) continue;
    faults++;
    console.log(`${blend}, case ${number}: ${difference}`);
  }
  console.log(`${blend}: ${CASES} cases, largest difference ${worst.toExponential(1)}`);
}
console.log(`${faults} differences above ${BOUND}`);
process.exitCode = faults === 0 ? 0 : 1;
