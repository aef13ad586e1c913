/**
 * Takes the place of table-spec.ts in edge workers, whose bundlers put what is imported on demand into their one file.
 */

/** Null: tables are not there. */
export async function tableSpec(): Promise<null> {
  return null;
}
