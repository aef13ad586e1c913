/**
 * The two error classes of the library. Everything else is a `TypeError` (wrong type), a `RangeError` (wrong value) or
 * the reason of an aborted `AbortSignal`. Messages read `<file or tensor> <what> <got>, expected <want>`, on one line:
 * names come from files, so what a terminal would act on is escaped.
 */

import { visible } from "./visible.ts";

/** A file is malformed. Permanent: reading it again cannot help. */
export class FormatError extends Error {
  override readonly name = "FormatError";

  constructor(message: string, options?: ErrorOptions) {
    super(visible(message), options);
  }
}

/** A permutation spec is malformed or does not fit the tensors, or two models do not fit each other. */
export class SpecError extends Error {
  override readonly name = "SpecError";

  constructor(message: string, options?: ErrorOptions) {
    super(visible(message), options);
  }
}
