/** MessagePack as Flax writes it, by hand. */

import { concat, utf8 } from "./safetensors-builder.ts";

/** A number in so many bytes, the highest first. */
export const big = (value: number, bytes: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length: bytes }, (_, i) => Math.floor(value / 256 ** (bytes - 1 - i)) % 256);

/** A code and a length in four bytes. */
export const head = (code: number, length: number): Uint8Array<ArrayBuffer> =>
  concat(Uint8Array.of(code), big(length, 4));

export function str(value: string): Uint8Array<ArrayBuffer> {
  const bytes = utf8(value);
  return bytes.length < 32
    ? concat(Uint8Array.of(0xa0 + bytes.length), bytes)
    : concat(head(0xdb, bytes.length), bytes);
}

export const bin = (bytes: Uint8Array): Uint8Array<ArrayBuffer> =>
  bytes.length < 256 ? concat(Uint8Array.of(0xc4, bytes.length), bytes) : concat(head(0xc6, bytes.length), bytes);

export const int = (value: number): Uint8Array<ArrayBuffer> =>
  value < 128 ? Uint8Array.of(value) : concat(Uint8Array.of(0xcf), big(value, 8));

export const list = (...items: readonly Uint8Array[]): Uint8Array<ArrayBuffer> =>
  concat(Uint8Array.of(0x90 + items.length), ...items);

export const ext = (type: number, content: Uint8Array): Uint8Array<ArrayBuffer> =>
  concat(head(0xc9, content.length), Uint8Array.of(type), content);

/** What extension 1 holds. */
export const arrayContent = (type: string, shape: readonly number[], data: Uint8Array): Uint8Array<ArrayBuffer> =>
  list(list(...shape.map(int)), str(type), bin(data));

export const array = (type: string, shape: readonly number[], data: Uint8Array): Uint8Array<ArrayBuffer> =>
  ext(1, arrayContent(type, shape, data));

export const f32 = (shape: readonly number[], ...values: readonly number[]): Uint8Array<ArrayBuffer> =>
  array("float32", shape, new Uint8Array(Float32Array.from(values).buffer));

export function map(entries: Readonly<Record<string, Uint8Array>>): Uint8Array<ArrayBuffer> {
  const list = Object.entries(entries);
  const start = list.length < 16 ? Uint8Array.of(0x80 + list.length) : concat(Uint8Array.of(0xde), big(list.length, 2));
  return concat(start, ...list.flatMap(([key, value]) => [str(key), value]));
}

export const NIL: Uint8Array<ArrayBuffer> = Uint8Array.of(0xc0);
export const TRUE: Uint8Array<ArrayBuffer> = Uint8Array.of(0xc3);

export const chunked = (
  shape: Readonly<Record<string, Uint8Array>>,
  chunks: Readonly<Record<string, Uint8Array>>,
): Uint8Array<ArrayBuffer> => map({ __msgpack_chunked_array__: TRUE, shape: map(shape), chunks: map(chunks) });

/** A TrainState with arrays of several kinds. */
export function smallFlax(): Uint8Array<ArrayBuffer> {
  const params = {
    Dense_0: map({ kernel: f32([2, 3], 1, 2, 3, 4, 5, 6), bias: array("bfloat16", [3], utf8("abcdef")) }),
    Dense_1: map({
      kernel: chunked({ "0": int(3), "1": int(2) }, { "0": f32([4], 1, 2, 3, 4), "1": f32([2], 5, 6) }),
      scale: ext(3, arrayContent("float64", [], new Uint8Array(8))),
      empty: f32([0]),
    }),
  };
  return map({
    step: int(2 ** 40),
    params: map(params),
    batch_stats: map({ BatchNorm_0: map({ mean: f32([3], 7, 8, 9) }) }),
    opt_state: map({ "0": map({ mu: map(params), none: NIL }), "1": list(f32([1], 1), str("text")) }),
    note: str("kept"),
  });
}
