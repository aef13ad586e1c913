/** ONNX models built byte by byte, the malformed ones too: shares no code with the reader or the writer. */

import { concat, utf8 } from "./safetensors-builder.ts";

/** A number as a varint: 64 bits, negative ones as two's complement. */
export function varint(value: number | bigint): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Uint8Array.from([...bytes, Number(rest)]);
}

/** A field of a message: bytes, text or a message inside. */
export const part = (number: number, content: Uint8Array | string): Uint8Array<ArrayBuffer> => {
  const bytes = typeof content === "string" ? utf8(content) : content;
  return concat(varint(8 * number + 2), varint(bytes.length), bytes);
};

/** A field that is a whole number. */
export const whole = (number: number, value: number | bigint): Uint8Array<ArrayBuffer> =>
  concat(varint(8 * number), varint(value));

/** A field of whole numbers, packed, or one after the other. */
export const wholes = (number: number, values: readonly (number | bigint)[], packed = true): Uint8Array<ArrayBuffer> =>
  packed ? part(number, concat(...values.map(varint))) : concat(...values.map((value) => whole(number, value)));

/** Little-endian bytes of floats. */
export const floats = (...values: readonly number[]): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Float32Array.from(values).buffer);

/** A field of floats, packed, or one after the other. */
export const floatField = (number: number, values: readonly number[], packed = true): Uint8Array<ArrayBuffer> =>
  packed
    ? part(number, floats(...values))
    : concat(...values.map((value) => concat(varint(8 * number + 5), floats(value))));

/** TensorProto: `data` are its fields besides name, dims and type. */
export const tensor = (
  name: string,
  type: number,
  dims: readonly (number | bigint)[],
  ...data: readonly Uint8Array[]
): Uint8Array<ArrayBuffer> => concat(wholes(1, dims, false), whole(2, type), part(8, name), ...data);

/** Bytes as `raw_data`. */
export const raw = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => part(9, bytes);

/** `external_data` and its location. */
export const external = (entries: Readonly<Record<string, string>>): Uint8Array<ArrayBuffer> =>
  concat(
    ...Object.entries(entries).map(([key, value]) => part(13, concat(part(1, key), part(2, value)))),
    whole(14, 1),
  );

/** AttributeProto: its value is a field, as `part(5, tensor)` or `whole(3, 1)`. */
export const attribute = (name: string, ...value: readonly Uint8Array[]): Uint8Array<ArrayBuffer> =>
  concat(part(1, name), ...value);

/** NodeProto. */
export function node(
  operator: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: readonly Uint8Array[] = [],
  name = "",
): Uint8Array<ArrayBuffer> {
  return concat(
    ...inputs.map((input) => part(1, input)),
    ...outputs.map((output) => part(2, output)),
    ...(name === "" ? [] : [part(3, name)]),
    part(4, operator),
    ...attributes.map((each) => part(5, each)),
  );
}

export const constant = (name: string, ...value: readonly Uint8Array[]): Uint8Array<ArrayBuffer> =>
  node("Constant", [], [name], value);

/** ValueInfoProto: a tensor's type and shape, if it is known; sizes that are text are names of unknown ones. */
export const valueInfo = (name: string, shape?: readonly (number | string)[], type = 1): Uint8Array<ArrayBuffer> => {
  const sizes = shape?.map((size) => part(1, typeof size === "string" ? part(2, size) : whole(1, size)));
  const known = sizes === undefined ? [] : [part(2, concat(...sizes))];
  return concat(part(1, name), part(2, part(1, concat(whole(1, type), ...known))));
};

/** GraphProto: `inputs` and `outputs` are ValueInfoProtos. */
export const graph = (
  nodes: readonly Uint8Array[],
  initializers: readonly Uint8Array[] = [],
  [inputs, outputs]: readonly (readonly Uint8Array[])[] = [],
): Uint8Array<ArrayBuffer> =>
  concat(
    ...nodes.map((each) => part(1, each)),
    part(2, "net"),
    ...initializers.map((each) => part(5, each)),
    ...(inputs ?? []).map((each) => part(11, each)),
    ...(outputs ?? []).map((each) => part(12, each)),
  );

/** OperatorSetIdProto. */
export const opsetId = (domain: string, version: number): Uint8Array<ArrayBuffer> =>
  concat(part(1, domain), whole(2, version));

/** ModelProto: IR 8, a producer, opset 13 or another. */
export const onnxOf = (opset: number, content: Uint8Array, ...more: readonly Uint8Array[]): Uint8Array<ArrayBuffer> =>
  concat(whole(1, 8), part(2, "by hand"), part(7, content), part(8, opsetId("", opset)), ...more);

export const onnxFile = (content: Uint8Array, ...more: readonly Uint8Array[]): Uint8Array<ArrayBuffer> =>
  onnxOf(13, content, ...more);

/** FunctionProto, of domain "own", as a field of ModelProto. */
export const localFunction = (
  name: string,
  inputs: readonly string[],
  outputs: readonly string[],
  nodes: readonly Uint8Array[],
  ...more: readonly Uint8Array[]
): Uint8Array<ArrayBuffer> =>
  part(
    25,
    concat(
      part(1, name),
      ...inputs.map((each) => part(4, each)),
      ...outputs.map((each) => part(5, each)),
      ...nodes.map((each) => part(7, each)),
      part(10, "own"),
      ...more,
    ),
  );

/** A node of domain "own": a call of `localFunction`. */
export const callOf = (
  name: string,
  inputs: readonly string[],
  outputs: readonly string[],
  ...more: readonly Uint8Array[]
): Uint8Array<ArrayBuffer> => concat(node(name, inputs, outputs, more), part(7, "own"));

/** `metadata_props`. */
export const property = (key: string, value: string): Uint8Array<ArrayBuffer> =>
  part(14, concat(part(1, key), part(2, value)));

/** A small sound model: every way in which a tensor can be kept in the file itself. */
export function smallOnnx(): Uint8Array<ArrayBuffer> {
  const value = attribute("value", part(5, tensor("", 1, [2], raw(floats(1, 2)))));
  const branch = graph([constant("w", value)], [], [[], [valueInfo("w", [2])]]);
  return onnxFile(
    graph(
      [
        node("Gemm", ["x", "fc1.weight", "fc1.bias"], ["h"], [attribute("transB", whole(3, 1))]),
        node(
          "If",
          ["c"],
          ["y"],
          [attribute("then_branch", part(6, branch)), attribute("else_branch", part(6, branch))],
          "if",
        ),
        constant("shape", attribute("value_ints", wholes(8, [-1, 300]))),
        constant("eps", attribute("value_float", floatField(2, [0.5], false))),
      ],
      [
        tensor("fc1.weight", 1, [2, 3], raw(floats(1, 2, 3, 4, 5, 6))),
        tensor("fc1.bias", 1, [2], floatField(4, [7, 8])),
        tensor("loose", 1, [2], floatField(4, [9, 10], false)),
        tensor("half", 10, [3], wholes(5, [0x3c00, 0x0001, 0xbc00])),
        tensor("long", 7, [2], wholes(7, [-1, 5], false)),
        tensor("double", 11, [1], part(10, new Uint8Array(Float64Array.of(0.25).buffer))),
        tensor("empty", 1, [0]),
      ],
      [
        [valueInfo("x", ["n", 3]), valueInfo("c", [], 9)],
        [valueInfo("h", ["n", 2]), valueInfo("y", [2])],
      ],
    ),
    property("k", "v"),
  );
}
