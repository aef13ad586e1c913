/** Models of TensorFlow.js built by hand, the malformed ones too: shares no code with the reader or the writer. */

import { concat, utf8 } from "./safetensors-builder.ts";

/** A weight of a manifest, and its bytes. */
export interface TfjsWeight {
  readonly entry: Readonly<Record<string, unknown>>;
  readonly bytes: Uint8Array;
}

export const weight = (
  name: string,
  dtype: string,
  shape: readonly number[],
  bytes: Uint8Array,
  quantization?: unknown,
): TfjsWeight => ({ entry: { name, shape, dtype, quantization }, bytes });

/** Text elements as the converter writes them: a length of four bytes, then UTF-8. */
export const texts = (...values: readonly string[]): Uint8Array =>
  concat(...values.flatMap((value) => [new Uint8Array(Uint32Array.of(utf8(value).length).buffer), utf8(value)]));

/** One group cut into files of `shardBytes`; the rest is what `model.json` holds besides. */
export function tfjsFiles(
  weights: readonly TfjsWeight[],
  { shardBytes = 1 << 22, rest = {}, indent }: { shardBytes?: number; rest?: object; indent?: number } = {},
): Record<string, Uint8Array> {
  const all = concat(...weights.map(({ bytes }) => bytes));
  const count = Math.max(1, Math.ceil(all.length / shardBytes));
  const paths = Array.from({ length: count }, (_, i) => `group1-shard${i + 1}of${count}.bin`);
  const weightsManifest = [{ paths, weights: weights.map(({ entry }) => entry) }];
  const json = JSON.stringify({ format: "layers-model", generatedBy: "hand", ...rest, weightsManifest }, null, indent);
  return {
    "model.json": utf8(json),
    ...Object.fromEntries(paths.map((path, i) => [path, all.slice(i * shardBytes, (i + 1) * shardBytes)])),
  };
}

/** A layer of a Keras topology. */
export const layer = (kind: string, name: string, config: object = {}): object => ({
  class_name: kind,
  config: { name, ...config },
});

/** A Sequential as `modelTopology`. */
export const sequential = (...layers: readonly object[]): object => ({
  modelTopology: { model_config: { class_name: "Sequential", config: { name: "net", layers } } },
});

const f32 = (...values: readonly number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);

/** Every kind of weight, in three files that cut tensors in two. */
export function smallTfjs(): Record<string, Uint8Array> {
  return tfjsFiles(
    [
      weight("dense/kernel", "float32", [2, 3], f32(1, 2, 3, 4, 5, 6)),
      weight("dense/bias", "float32", [3], Uint8Array.of(0, 128, 255), {
        dtype: "uint8",
        scale: 0.5,
        min: -64,
        original_dtype: "float32",
      }),
      weight("wide", "float32", [2], new Uint8Array(Uint16Array.of(1, 65535).buffer), {
        dtype: "uint16",
        scale: 0.25,
        min: 0,
      }),
      weight("half", "float32", [2], new Uint8Array(Uint16Array.of(0x3c00, 0xbc00).buffer), {
        min: 0,
        scale: 1,
        dtype: "float16",
      }),
      weight("words", "string", [2], texts("hé", "")),
      weight("steps", "int32", [2], Uint8Array.of(3, 4), { scale: 2, min: -1, dtype: "uint8" }),
      weight("flags", "bool", [2], Uint8Array.of(1, 0)),
      weight("count", "int32", [], new Uint8Array(Int32Array.of(-7).buffer)),
    ],
    { shardBytes: 23, rest: sequential(layer("Dense", "dense")), indent: 1 },
  );
}
