/** Suites that start many processes, each with a network to run: in Deno and Bun only when everything is asked for. */

import { suite, type Test } from "uvu";

/**
 * A suite that Node always runs. Deno and Bun skip its tests, unless `npm test -- --whole` asks for them: what they
 * call is in other suites, and the whole takes minutes in each.
 */
export function heavySuite(name: string): Test {
  const test = suite(name);
  const isNode = !("Deno" in globalThis || "Bun" in globalThis);
  if (isNode || process.env.REBASIN_WHOLE === "1") return test;
  const skipped = (title: string, body: Parameters<Test["skip"]>[1]): void => test.skip(title, body);
  return Object.assign(skipped, {
    ...{ before: test.before, after: test.after, skip: test.skip, only: test.skip, run: test.run },
  }) as unknown as Test;
}
