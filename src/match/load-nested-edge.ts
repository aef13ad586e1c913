/** Takes the place of load-nested.ts in edge workers, which refuse specs that need more. */

/** Null. */
export async function loadNested(): Promise<null> {
  return null;
}
