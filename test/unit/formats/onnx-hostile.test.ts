import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FormatError } from "../../../src/base/errors.ts";
import type { Model } from "../../../src/base/model.ts";
import { open as openFormat } from "../../../src/formats/onnx/onnx-format.ts";
import { bytesSource } from "../../../src/io/byte-source.ts";
import type { Files } from "../../../src/io/files.ts";
import { rejects } from "../../reference/expect-error.ts";
import { memoryFiles } from "../../reference/memory-files.ts";
import {
  attribute,
  constant,
  external,
  floatField,
  floats,
  graph,
  node,
  onnxFile,
  part,
  raw,
  tensor,
  varint,
  whole,
  wholes,
} from "../../reference/onnx-builder.ts";
import { concat, counting } from "../../reference/safetensors-builder.ts";

const test = suite("hostile ONNX files");

const open = (bytes: Uint8Array, files?: Files): Promise<Model> => openFormat(bytesSource(bytes, "a.onnx"), files, {});

const sharing = (offset = "4", path = "a.data"): Uint8Array =>
  onnxFile(
    graph(
      [],
      [
        tensor("w", 1, [2], external({ location: path, offset: "0", length: "8" })),
        tensor("tied", 1, [2], external({ location: path, offset: offset === "4" ? "0" : offset })),
        tensor("in", 1, [1], raw(floats(1))),
      ],
    ),
  );

test("data beside that is missing, elsewhere, too short or torn is refused", async () => {
  const data = (bytes: Uint8Array) => memoryFiles({ "a.data": bytes });
  const cases: [Uint8Array, Files | undefined, RegExp][] = [
    [sharing(), undefined, /is in "a\.data", which is not there, expected that file too/],
    [sharing(), memoryFiles({}), /which is not there/],
    [sharing("4", "../a.data"), data(counting(64)), /expected a path inside the model's folder/],
    [sharing("4", "/etc/passwd"), data(counting(64)), /expected a path inside the model's folder/],
    [sharing(), data(counting(7)), /at bytes 0 to 8 of "a\.data", expected a place in its 7 bytes/],
    [sharing("2"), data(counting(64)), /has some bytes of/],
    [sharing("1e3"), data(counting(64)), /has offset "1e3"/],
  ];
  for (const [file, files, message] of cases) {
    await rejects(() => open(file, files), FormatError, message);
    assert.is((files as ReturnType<typeof memoryFiles> | undefined)?.stillOpen() ?? 0, 0);
  }
});

const one = (...data: readonly Uint8Array[]): Uint8Array => onnxFile(graph([], [tensor("t", 1, [2], ...data)]));
const nested = (depth: number): Uint8Array =>
  depth === 0 ? graph([]) : graph([node("If", [], [], [attribute("b", part(6, nested(depth - 1)))])]);

const HOSTILE: readonly (readonly [string, () => Uint8Array, RegExp])[] = [
  ["no graph", () => concat(whole(1, 8), part(2, "x")), /has no graph/],
  ["two graphs", () => onnxFile(graph([]), part(7, graph([]))), /is a second graph/],
  ["field 0", () => concat(onnxFile(graph([])), Uint8Array.of(0, 0)), /is no tag of a field/],
  ["a group", () => concat(onnxFile(graph([])), Uint8Array.of(0x7b)), /has wire type 3/],
  [
    "a varint of 11 bytes",
    () => concat(onnxFile(graph([])), Uint8Array.of(0x28), new Uint8Array(10).fill(255), Uint8Array.of(1)),
    /is no varint of 64 bits/,
  ],
  [
    "a length beyond the file",
    () => concat(onnxFile(graph([])), Uint8Array.of(0x32), varint(2n ** 63n)),
    /bytes, expected at most the 0 that are left/,
  ],
  ["graphs 65 deep", () => onnxFile(nested(22)), /is nested 65 deep, expected at most 64/],
  ["a size below 0", () => onnxFile(graph([], [tensor("t", 1, [-1], raw(floats(1)))])), /has a size below 0/],
  [
    "sizes beyond 2^53",
    () => onnxFile(graph([], [tensor("t", 1, [2n ** 40n, 2n ** 40n])])),
    /expected less than 2\^53 bits/,
  ],
  [
    "33 axes",
    () => onnxFile(graph([], [tensor("t", 1, new Array(33).fill(1), raw(floats(1)))])),
    /expected at most 32/,
  ],
  ["an unknown type", () => onnxFile(graph([], [tensor("t", 99, [1])])), /data_type 99/],
  ["no data", () => one(), /has 0 bytes of data, expected 8/],
  ["too few raw bytes", () => one(raw(counting(7))), /has 7 bytes of raw_data, expected 8/],
  ["data twice", () => one(raw(floats(1, 2)), floatField(4, [1, 2])), /has its data in several fields/],
  ["data in a field of another type", () => one(wholes(5, [1, 2])), /has its data in several fields/],
  ["raw_data twice", () => one(raw(floats(1, 2)), raw(floats(1, 2))), /twice there/],
  ["a segment", () => one(part(3, whole(1, 0)), raw(floats(1, 2))), /is a segment/],
  ["no name", () => onnxFile(graph([], [tensor("", 1, [1], raw(floats(1)))])), /without a name/],
  [
    "two of one name",
    () => onnxFile(graph([], [tensor("t", 1, [1], raw(floats(1))), tensor("t", 1, [1], raw(floats(1)))])),
    /"t" a second time/,
  ],
  ["no UTF-8", () => onnxFile(graph([], [concat(whole(2, 1), part(8, Uint8Array.of(0xff)))])), /not valid UTF-8/],
  [
    "two numbers in one",
    () => onnxFile(graph([constant("c", attribute("value_float", floatField(2, [1, 2], false)))])),
    /has 2 numbers as value_float/,
  ],
  [
    "two tensors of one attribute",
    () =>
      onnxFile(graph([constant("c", attribute("value", part(5, tensor("", 1, [0])), part(5, tensor("", 1, [0]))))])),
    /second value of an attribute/,
  ],
];

for (const [what, file, message] of HOSTILE)
  test(`refused: ${what}`, async () => {
    await rejects(() => open(file()), FormatError, message);
  });

test("numbers that are found wrong only when they are read", async () => {
  const model = await open(
    onnxFile(
      graph(
        [],
        [
          tensor("many", 1, [1], floatField(4, [1, 2, 3])),
          tensor("wide", 2, [1], wholes(5, [256])),
          tensor("wires", 1, [1], whole(4, 2 ** 31)),
        ],
      ),
    ),
  );
  await rejects(() => model.read("many"), FormatError, /holds 3 numbers, expected those of shape \[1\]/);
  await rejects(() => model.read("wide"), FormatError, /is a number beyond 8 bits/);
  await rejects(() => model.read("wires"), FormatError, /has wire type 0/);
});

test.run();
