/** Options of opening a model. */

import type { Files } from "../io/files.ts";
import type { Format, FormatOptions } from "./format.ts";

/** `name` replaces the source's in messages. */
export interface OpenOptions extends FormatOptions {
  readonly name?: string | undefined;
  /** Only the tensors whose names begin so, under the names that are left: "module.", "ema". */
  readonly prefix?: string | undefined;
  /** The files beside the source, for models of several files. For a URL, what is beside it there by default. */
  readonly files?: Files | undefined;
  /** Formats to be asked before the known ones: edge workers, which know safetensors alone, import theirs. */
  readonly formats?: readonly Format[] | undefined;
}
