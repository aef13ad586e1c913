/** Runs what uvu queued and counts it: uvu prints totals but reports none, and an empty run counts as success there. */

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

type Runner = () => Promise<[errors: string | true, passed: number, skipped: number, total: number]>;

/** Runs every queued suite in order; prints failures in full. */
export async function runSuites(): Promise<Counts> {
  const [queue] = (globalThis as unknown as { UVU_QUEUE: [Runner[]] }).UVU_QUEUE;
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  const failures: string[] = [];
  for (const run of queue) {
    const [errors, passed, skipped, total] = await run();
    counts.passed += passed;
    counts.failed += total - passed;
    counts.skipped += skipped;
    if (typeof errors === "string" && errors.length > 0) failures.push(errors);
    // uvu loses the error of a hook that runs before all tests.
    else if (passed < total) failures.push(`   FAIL  ${total - passed} tests did not run, since a hook threw\n`);
  }
  for (const text of failures) console.log(text);
  return counts;
}

/** Runs everything, prints the counts on a line that scripts/test.mjs reads, and sets the exit code where there is one. */
export async function runAndReport(): Promise<void> {
  const counts = await runSuites();
  console.log(`\n##counts ${JSON.stringify(counts)}`);
  const { process } = globalThis as { process?: { exitCode?: number } };
  if (process !== undefined) process.exitCode = counts.failed > 0 || counts.passed + counts.skipped === 0 ? 1 : 0;
}
