/** Runs a reader over damaged files and reports: how many, how long the slowest took, how much memory. */

import { cutOrFlipped, damagesOf, type FuzzedFormat, randomFrom, tryFile } from "../../test/reference/fuzz-files.ts";

/** Memory is asked for after that many files. */
const SAMPLE = 20;

/** Every cut and every flipped bit of the seeds, then structured damages up to `least` files. Sets the exit code. */
export async function fuzz(name: string, format: FuzzedFormat, least: number): Promise<void> {
  const counts = { read: 0, refused: 0, wrong: 0 };
  let slowest = { ms: 0, what: "" };
  let [inputs, base, peak] = [0, 0, 0];
  const started = Date.now();
  const run = async (what: string, bytes: Uint8Array): Promise<void> => {
    const before = performance.now();
    try {
      counts[await tryFile(format, bytes)]++;
    } catch (error) {
      counts.wrong++;
      if (counts.wrong <= 10) console.log(`${what}: ${(error as Error).stack}`);
    }
    const ms = performance.now() - before;
    if (ms > slowest.ms) slowest = { ms, what };
    inputs++;
    if (inputs % SAMPLE !== 0) return;
    const { rss } = process.memoryUsage();
    // What the engine needs for itself is there after some thousand files.
    if (inputs <= 5000) base = Math.max(base, rss);
    peak = Math.max(peak, rss);
  };
  for (const [index, seed] of format.seeds.entries())
    for (let number = 0; number < damagesOf(seed); number++)
      await run(`seed ${index} damage ${number}`, cutOrFlipped(seed, number));
  const simple = inputs;
  for (let number = 0; inputs < least || number < simple; number++)
    await run(`structured ${number}`, format.structured(randomFrom(number)));
  const megabytes = ((peak - base) / 2 ** 20).toFixed(0);
  console.log(
    `${name}: ${inputs} files (${simple} cut or flipped), ${counts.read} read, ${counts.refused} refused with a FormatError, ${counts.wrong} wrong; ` +
      `slowest ${slowest.ms.toFixed(0)} ms (${slowest.what}), memory +${megabytes} MB, ${((Date.now() - started) / 1000).toFixed(0)} s`,
  );
  process.exitCode = counts.wrong > 0 || slowest.ms > 1000 ? 1 : 0;
}
