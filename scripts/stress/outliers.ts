/**
 * `npm run stress -- outliers [PAIRS]`: pairs of perceptrons with a weight of 1e20 or 3e38, in F32, BF16 and F64, matched and
 * checked against f64 loops. Ends with what there was; a pair that is neither right nor refused is printed, exit code 1.
 */

import { checkPair, drawPair } from "../../test/reference/outliers.ts";

const pairs = Number(process.argv[2] ?? 10_000);
const started = Date.now();
let [right, refused, wrong, slowest] = [0, 0, 0, 0];
for (let seed = 0; seed < pairs; seed++) {
  const before = performance.now();
  try {
    if (typeof (await checkPair(drawPair(seed, seed % 10 === 9 ? 3e38 : 1e20))) === "number") right++;
    else refused++;
  } catch (error) {
    wrong++;
    if (wrong <= 10) console.log(`pair ${seed}: ${(error as Error).message}`);
  }
  slowest = Math.max(slowest, performance.now() - before);
}
const seconds = ((Date.now() - started) / 1000).toFixed(0);
console.log(
  `outliers: ${pairs} pairs, ${right} right, ${refused} refused with a RangeError, ${wrong} wrong; slowest ${slowest.toFixed(0)} ms, ${seconds} s`,
);
process.exitCode = wrong > 0 ? 1 : 0;
