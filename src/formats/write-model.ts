/** Writes a model in any format. */

import type { Model, Origin } from "../base/model.ts";
import type { ByteSink } from "../io/sink.ts";
import { fileOrigin } from "./folder/folder-container.ts";
import type { Format, FormatModule, FormatWriteOptions } from "./format.ts";
import { FORMATS, formatNamed } from "./formats.ts";

/** Options of `writeModel`. */
export interface WriteModelOptions extends FormatWriteOptions {
  /** The format's name, such as "pytorch". By default that of `like`, else "safetensors". */
  readonly format?: string | undefined;
  /** Of the container to write into: that which the model came from, by default. Used where it has the same format. */
  readonly like?: Origin | undefined;
}

/**
 * Writes a model to a sink as one file, and closes the sink. If the model, or its source model, was read from a file of
 * that format, the new file is a copy of that file with other tensors. Everything else in it is kept.
 *
 * Resolves to notes for people, such as that the optimizer's state belongs to the old tensors. When writing fails, the
 * sink's `abort` runs, then the promise rejects with the first error.
 *
 * @throws {RangeError} when the format cannot hold the model.
 *
 * @example
 * const sink = memorySink();
 * await writeModel(model, sink, { format: "safetensors" });
 */
export async function writeModel(
  model: Model,
  sink: ByteSink,
  options: WriteModelOptions = {},
): Promise<readonly string[]> {
  const { like = model.origin, create, dtype, signal, onProgress } = options;
  try {
    const file = fileOrigin(like);
    const format = formatNamed(options.format ?? file.format ?? "safetensors");
    const { write, like: own } = await writerOf(format, model, file.like);
    return await write(model, sink, { like: own, create, dtype, signal, onProgress });
  } catch (error) {
    await sink.abort().catch(() => {});
    throw error;
  }
}

/** A format's writer, and the container to write into, if it is of that format. */
export interface Writer {
  readonly write: NonNullable<FormatModule["write"]>;
  readonly like: Origin | undefined;
}

/** Throws `RangeError` when `format` could not hold `model`: all that can be known before any work is done. */
export async function writerOf(
  format: Format,
  model: Pick<Model, "name" | "tensors">,
  like: Origin | undefined,
): Promise<Writer> {
  const own = like?.format === format.name ? like : undefined;
  const { write, checkWrite } = await format.load();
  if (write === undefined) throw new RangeError(`${model.name} as ${format.title}, expected a format that is written`);
  if (own === undefined && !format.fresh) {
    const others = FORMATS.filter(({ fresh }) => fresh).map(({ endings }) => endings[0]);
    throw new RangeError(
      `${model.name} would be a new ${format.name} file, expected ${others.join(", ")}: ${format.name} is written only into what was one`,
    );
  }
  checkWrite?.(model, own);
  return { write, like: own };
}
