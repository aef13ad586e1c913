/** What reports call a spec. */

import type { Spec } from "./types.ts";

/** Its own name (that of its file), else its family's, else "custom". */
export function specName({ name, family }: Spec): string {
  return name ?? family ?? "custom";
}
