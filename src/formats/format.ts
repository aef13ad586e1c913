/**
 * What a file format is to this library: how it is recognised, and a module, loaded on demand, that opens and
 * writes it.
 */

import type { Model, Origin } from "../base/model.ts";
import type { Running } from "../base/options.ts";
import type { OperatorGraph } from "../graph/operators.ts";
import type { ByteSource } from "../io/byte-source.ts";
import type { Files } from "../io/files.ts";
import type { ByteSink } from "../io/sink.ts";

/** One entry of the registry. Plain data and a small test: it is loaded with every other format's. */
export interface Format {
  /** Short and fixed: "safetensors", "pytorch". `Origin.format` has it. */
  readonly name: string;
  /** For messages: "a PyTorch checkpoint (.pt)". */
  readonly title: string;
  /** Endings of output files that mean this format, in lower case and with the dot. */
  readonly endings: readonly string[];
  /** What a model's file is called in a folder, as Hugging Face's libraries look for it: "pytorch_model.bin". */
  readonly inFolder?: string | undefined;
  /** True when a model from elsewhere can be written as a new file; else only files of this format are patched. */
  readonly fresh: boolean;
  /** True when files hold `Model.metadata`; else it goes to a side file. */
  readonly keepsMetadata: boolean;
  /** True for a file that begins with `head` (4096 bytes, or all there are) and has this name. */
  recognises(head: Uint8Array, name: string): boolean;
  /** What opens and writes it, imported when it is first needed. */
  load(): Promise<FormatModule>;
}

/** What a format's module has. */
export interface FormatModule {
  /**
   * What the network computes, for files that contain it: the graph of a model's origin, or undefined where this file
   * has none. Rejects with `FormatError`, naming file and operator, for a graph that is malformed. Absent for formats
   * without graphs.
   */
  readGraph?(origin: Origin, options: Pick<Running, "signal">): Promise<OperatorGraph | undefined>;
  /**
   * Opens a file: reads its index only. The model owns `source` from then on, and has an `origin`.
   *
   * Rejects with `FormatError`, naming file and entry, for what is malformed; `source` stays open then.
   */
  open(source: ByteSource, files: Files | undefined, options: FormatOptions): Promise<Model>;
  /**
   * Throws `RangeError`, in one line, when `write` could not write `model` into `like`, before any work is done:
   * a file that can only be read, other names or shapes. Absent where there is nothing to check.
   */
  checkWrite?(model: Pick<Model, "name" | "tensors">, like: Origin | undefined): void;
  /**
   * Writes `model` into a copy of the container that `like` came from, or, without it, as a new file; closes the sink.
   * Tensors whose bytes are those of `like` keep what is stored. Resolves to notes for people, for example on what is
   * stale now.
   *
   * On any failure, and when aborted, it calls the sink's `abort` and rejects with the first error.
   */
  write?(model: Model, sink: ByteSink, options: FormatWriteOptions): Promise<readonly string[]>;
}

/** Options of `FormatModule.open`. */
export interface FormatOptions extends Pick<Running, "signal"> {
  /** Which of several state dicts in one file: "ema", "model.state_dict". */
  readonly key?: string | undefined;
  /** What a file does not show, as the user gave it: "V2=bf16". */
  readonly assume?: string | undefined;
  /**
   * The most bytes that an index may have: a pickle, a zip directory. Read, it takes up to 64 times as much memory. By
   * default the readers' own limits hold, which are for machines.
   */
  readonly maxIndexBytes?: number | undefined;
}

/** Options of `FormatModule.write`. `onProgress` gets stage "write", once for every tensor written. */
export interface FormatWriteOptions extends Running {
  readonly like?: Origin | undefined;
  /** "F32": numbers that the container keeps with a scale (quantised) are kept as they are from now on. */
  readonly dtype?: "F32" | undefined;
  /** Begins another file beside the sink's, for models of several files. Absent where the output is one file. */
  readonly create?: ((path: string) => Promise<ByteSink>) | undefined;
}

/** How many first bytes formats are recognised by. */
export const HEAD_BYTES = 4096;
