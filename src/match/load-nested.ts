/** Loads what a spec needs to be matched. */

import type { ResolvedSpec } from "../axes/types.ts";
import { type NestedCode, needsNested } from "./costs/nested-code.ts";

/** Null where the core has all that it takes. */
export async function loadNested(resolved: ResolvedSpec): Promise<NestedCode | null> {
  return needsNested(resolved) ? (await import("./nested.ts")).nestedCode : null;
}
