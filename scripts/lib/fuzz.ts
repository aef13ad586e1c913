/** Runs a reader over damaged files and reports: how many, how long the slowest took, how much memory. */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { cutOrFlipped, damagesOf, type FuzzedFormat, randomFrom, tryFile } from "../../test/reference/fuzz-files.ts";

/** So many files are read between two collections of garbage: what they take together is measured, garbage included. */
const SAMPLE = 25;

/** The engine's collector, which programs do not see unless they ask. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

/** Bytes in use: objects and buffers. */
function used(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Every cut and every flipped bit of the seeds, then structured damages up to `least` files. Sets the exit code. */
export async function fuzz(name: string, format: FuzzedFormat, least: number): Promise<void> {
  const counts = { read: 0, refused: 0, wrong: 0 };
  let slowest = { ms: 0, what: "" };
  const collect = collector();
  collect();
  let [inputs, base, peak] = [0, used(), 0];
  const started = Date.now();
  const run = async (what: string, bytes: Uint8Array): Promise<void> => {
    // Time of the processor: other programs are none of a file's fault.
    const before = process.cpuUsage();
    try {
      counts[await tryFile(format, bytes)]++;
    } catch (error) {
      counts.wrong++;
      if (counts.wrong <= 10) console.log(`${what}: ${(error as Error).stack}`);
    }
    const { user, system } = process.cpuUsage(before);
    const ms = (user + system) / 1000;
    if (ms > slowest.ms) slowest = { ms, what };
    inputs++;
    if (inputs % SAMPLE !== 0) return;
    peak = Math.max(peak, used() - base);
    collect();
    base = used();
  };
  for (const [index, seed] of format.seeds.entries())
    for (let number = 0; number < damagesOf(seed); number++)
      await run(`seed ${index} damage ${number}`, cutOrFlipped(seed, number));
  const simple = inputs;
  for (let number = 0; inputs < least || number < simple; number++)
    await run(`structured ${number}`, format.structured(randomFrom(number)));
  const megabytes = (peak / 2 ** 20).toFixed(1);
  console.log(
    `${name}: ${inputs} files (${simple} cut or flipped), ${counts.read} read, ${counts.refused} refused with a FormatError, ${counts.wrong} wrong; ` +
      `slowest ${slowest.ms.toFixed(0)} ms (${slowest.what}), memory at most +${megabytes} MB in ${SAMPLE} files, ${((Date.now() - started) / 1000).toFixed(0)} s`,
  );
  process.exitCode = counts.wrong > 0 || slowest.ms > 1000 ? 1 : 0;
}
