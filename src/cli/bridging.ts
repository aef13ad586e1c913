/** Models of one command, made to fit each other where they differ a little: options, and the report. */

import type { Dtype } from "../base/dtype.ts";
import { visible } from "../base/visible.ts";
import type { BridgeNote } from "../perm/bridge-types.ts";
import { choice, list, type Option } from "./option.ts";

/** Of commands that match by weights. */
export const KEEP_OPTION: Option<readonly string[] | undefined> = list({
  value: "NAMES",
  help: "tensors to copy from A alone, by commas: names, or NAME* for all that start so",
  group: "matching",
  // What runs B cannot run it with parts of A.
  without: ["data", "repair"],
});

/** Of commands that write what they merge. */
export const DTYPE_OPTION: Option<Dtype | undefined> = choice(["F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"], {
  value: "DTYPE",
  help: "dtype of the floats that are written",
  defaultText: "as A has them",
  group: "output",
});

/** One line on what was done; none where nothing was. */
export function bridgeLines(notes: readonly BridgeNote[]): string[] {
  return notes.length === 0 ? [] : [`bridged    ${visible(notes.map(({ text }) => text).join("; "))}`];
}
