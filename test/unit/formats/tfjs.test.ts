import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FormatError, SpecError } from "../../../src/base/errors.ts";
import type { Model } from "../../../src/base/model.ts";
import { detectSpec } from "../../../src/families/detect-spec.ts";
import { openModel } from "../../../src/formats/open-model.ts";
import { open as openFormat, write } from "../../../src/formats/tfjs/tfjs-format.ts";
import { bytesSource } from "../../../src/io/byte-source.ts";
import { type MemorySink, memorySink } from "../../../src/io/sink.ts";
import { rejects, sameBytes } from "../../reference/expect-error.ts";
import { memoryFiles } from "../../reference/memory-files.ts";
import { counting, utf8 } from "../../reference/safetensors-builder.ts";
import { layer, sequential, smallTfjs, type TfjsWeight, tfjsFiles, weight } from "../../reference/tfjs-builder.ts";

const test = suite("TensorFlow.js");

type Contents = Readonly<Record<string, Uint8Array>>;

const open = (contents: Contents): Promise<Model> =>
  openFormat(bytesSource(contents["model.json"]!, "model.json"), memoryFiles(contents), {});

/** The files that the writer makes, and what it says. */
async function written(model: Model, dtype?: "F32"): Promise<{ files: Contents; notes: readonly string[] }> {
  const made = new Map<string, MemorySink>([["model.json", memorySink()]]);
  const create = async (path: string): Promise<MemorySink> => {
    made.set(path, memorySink());
    return made.get(path)!;
  };
  const notes = await write(model, made.get("model.json")!, { like: model.origin, create, dtype });
  return { files: Object.fromEntries([...made].map(([path, sink]) => [path, sink.bytes()])), notes };
}

function sameFiles(actual: Contents, expected: Contents): void {
  assert.equal(Object.keys(actual).sort(), Object.keys(expected).sort());
  for (const [path, bytes] of Object.entries(expected)) sameBytes(actual[path]!, bytes, path);
}

const withBytes = (model: Model, changed: Readonly<Record<string, Uint8Array>>): Model => ({
  ...model,
  read: async (name, signal) => changed[name] ?? model.read(name, signal),
});

const f32 = (...values: readonly number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
const floatsOf = async (model: Model, name: string): Promise<number[]> => [
  ...new Float32Array((await model.read(name)).slice().buffer),
];

test("weights of every kind are read, across files; text is left out", async () => {
  const model = await open(smallTfjs());
  assert.equal(
    [...model.tensors].map(([name, { dtype, shape }]) => `${name} ${dtype} [${shape}]`),
    [
      "dense/kernel F32 [2,3]",
      "dense/bias F32 [3]",
      "wide F32 [2]",
      "half F16 [2]",
      "steps I32 [2]",
      "flags BOOL [2]",
      "count I32 []",
    ],
  );
  assert.equal(await floatsOf(model, "dense/kernel"), [1, 2, 3, 4, 5, 6]);
  assert.equal(await floatsOf(model, "dense/bias"), [-64, 0, 63.5]);
  assert.equal(await floatsOf(model, "wide"), [0.25, 16383.75]);
  assert.equal([...new Uint16Array((await model.read("half")).slice().buffer)], [0x3c00, 0xbc00]);
  assert.equal([...new Int32Array((await model.read("steps")).slice().buffer)], [5, 7]);
  assert.equal([...(await model.read("flags"))], [1, 0]);
  assert.equal(Object.fromEntries(model.origin!.details), {
    kind: "layers-model",
    producer: "hand",
    operators: "Dense 1",
    files: "3",
    quantised: "2 tensors as uint8, 1 tensors as uint16, 1 tensors as float16",
    "left as is": "words (text)",
  });
  await rejects(() => model.read("none"), RangeError, /has no tensor "none"/);
});

test("a model that is handed back is the same files", async () => {
  const files = smallTfjs();
  const back = await written(await open(files));
  sameFiles(back.files, files);
  assert.equal(back.notes, []);
});

test("values that were only moved keep the scale, and the JSON", async () => {
  const files = smallTfjs();
  const model = await open(files);
  const moved = withBytes(model, {
    "dense/bias": f32(63.5, -64, 0),
    wide: f32(16383.75, 0.25),
    steps: new Uint8Array(Int32Array.of(7, 5).buffer),
  });
  const back = await written(moved);
  sameBytes(back.files["model.json"]!, files["model.json"]!);
  assert.equal(back.notes, []);
  const again = await open(back.files);
  for (const name of model.tensors.keys()) sameBytes(await again.read(name), await moved.read(name), name);
});

test("other values get a new scale, whose loss is said, and nothing else in the JSON changes", async () => {
  const files = smallTfjs();
  const model = await open(files);
  const back = await written(withBytes(model, { "dense/bias": f32(-1, 0, 0.703), wide: f32(3.0625, 3.0625) }));
  assert.match(
    back.notes[0]!,
    /^2 tensors are quantised anew as uint8 and uint16: values are off by at most 0\.00\d+, 0\.\d+ % of/,
  );
  const again = await open(back.files);
  const [low, zero, high] = await floatsOf(again, "dense/bias");
  assert.is(zero, 0);
  assert.ok(Math.abs(low! + 1) < 0.007 && Math.abs(high! - 0.703) < 0.007, `${low} ${high}`);
  assert.equal(await floatsOf(again, "wide"), [3.0625, 3.0625]);
  const text = (contents: Contents): unknown => {
    const json = JSON.parse(new TextDecoder().decode(contents["model.json"]!));
    for (const { quantization } of json.weightsManifest[0].weights)
      if (quantization) [quantization.scale, quantization.min] = [0, 0];
    return json;
  };
  assert.equal(text(back.files), text(files));
  assert.match(new TextDecoder().decode(back.files["model.json"]!), /"original_dtype": "float32"/);
});

test("any values: within half a step of the range, and exact again when they are written once more", async () => {
  const numbers = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -1000, max: 1000 }), {
    minLength: 3,
    maxLength: 3,
  });
  const files = smallTfjs();
  const model = await open(files);
  await fc.assert(
    fc.asyncProperty(numbers, async (values) => {
      const once = await open((await written(withBytes(model, { "dense/bias": f32(...values) }))).files);
      const got = await floatsOf(once, "dense/bias");
      const range = Math.max(...values) - Math.min(...values);
      for (const [i, value] of got.entries())
        assert.ok(Math.abs(value - values[i]!) <= range / 255 + 1e-4, `${values} gave ${got}`);
      const reversed = await written(withBytes(once, { "dense/bias": f32(...got.toReversed()) }));
      assert.equal(await floatsOf(await open(reversed.files), "dense/bias"), got.toReversed());
    }),
    { numRuns: 60, seed: 2 },
  );
});

test("--dtype F32 stores them whole", async () => {
  const model = await open(smallTfjs());
  const changed = withBytes(model, { "dense/bias": f32(-1, 0.1, 0.7) });
  const back = await written(changed, "F32");
  assert.equal(back.notes, ["3 tensors that model.json stores quantised are stored as float32"]);
  const again = await open(back.files);
  for (const name of model.tensors.keys()) sameBytes(await again.read(name), await changed.read(name), name);
  assert.is(Object.fromEntries(again.origin!.details).quantised, "1 tensors as float16");
  const wide: Model = {
    ...withBytes(changed, { half: f32(1, 1 / 3) }),
    tensors: new Map([...model.tensors, ["half", { dtype: "F32", shape: [2] }]]),
  };
  assert.equal(await floatsOf(await open((await written(wide, "F32")).files), "half"), [1, Math.fround(1 / 3)]);
});

test("what has no place: NaN with a scale, one output file, other tensors, a new model", async () => {
  const model = await open(smallTfjs());
  await rejects(
    () => written(withBytes(model, { wide: f32(Number.NaN, 1) })),
    RangeError,
    /tensor "wide" holds NaN, expected finite numbers/,
  );
  await rejects(
    () => write(model, memorySink(), { like: model.origin }),
    RangeError,
    /keeps weights in "group1-shard1of3\.bin", expected an output that can be several files/,
  );
  const fewer = { ...model, tensors: new Map([...model.tensors].slice(1)) };
  await rejects(() => written(fewer), RangeError, /has other tensors than model\.json/);
  await rejects(() => write(model, memorySink(), {}), RangeError, /as a new model of TensorFlow\.js/);
});

test("bare manifests, and files beside them", async () => {
  const files = smallTfjs();
  const manifest = utf8(JSON.stringify(JSON.parse(new TextDecoder().decode(files["model.json"]!)).weightsManifest));
  const beside = memoryFiles({ ...files, "x-weights_manifest.json": manifest });
  const model = await openModel(manifest, { name: "x-weights_manifest.json", files: beside });
  assert.is(model.origin!.format, "tfjs");
  assert.equal(await floatsOf(model, "dense/kernel"), [1, 2, 3, 4, 5, 6]);
  await model.close!();
  assert.is(beside.stillOpen(), 0);
});

const square = (kind: string, config: object = {}): Contents =>
  tfjsFiles(
    [weight("conv/kernel", "float32", [1, 1, 1, 2], counting(8)), weight("fc/kernel", "float32", [8, 3], counting(96))],
    { rest: sequential(layer(kind, "conv", config), layer("Flatten", "flat"), layer("Dense", "fc")) },
  );

test("layers say what a kernel is: channels last, or first; transposed ones are of no family", async () => {
  const axis = async (contents: Contents): Promise<string> =>
    JSON.stringify((await detectSpec(await open(contents))).tensors.get("fc/kernel")!.axes[0]);
  const minor = await axis(square("Conv2D"));
  assert.ok(minor.indexOf("C0") > minor.indexOf("4"), minor);
  const major = await axis(square("Conv2D", { data_format: "channels_first" }));
  assert.ok(major.indexOf("C0") < major.indexOf("4"), major);
  await rejects(
    () => axis(square("Conv2DTranspose")),
    SpecError,
    /conv\/kernel is no dense tensor or convolution to the file's graph/,
  );
});

const json = (manifest: unknown, more: Contents = {}): Contents => ({
  "model.json": utf8(JSON.stringify({ modelTopology: {}, weightsManifest: manifest })),
  ...more,
});
const group = (entry: object, bytes = 4): Contents =>
  json([{ paths: ["a.bin"], weights: [{ name: "w", dtype: "float32", shape: [1], ...entry }] }], {
    "a.bin": counting(bytes),
  });
const doubled: TfjsWeight = weight("w", "float32", [1], counting(4));

const HOSTILE: readonly (readonly [string, Contents, RegExp])[] = [
  ["no manifest", json(undefined), /has the weightsManifest undefined/],
  ["a group without paths", json([{ weights: [] }]), /group 1 is .*, expected paths and weights/],
  [
    "a path out of the folder",
    json([{ paths: ["../a.bin"], weights: [] }]),
    /expected a path inside the model's folder/,
  ],
  ["a path twice", json([{ paths: ["a", "a"], weights: [] }]), /"a" a second time/],
  [
    "a file that is not there",
    json([{ paths: ["a.bin"], weights: [] }]),
    /keeps weights in "a\.bin", which is not there/,
  ],
  ["a name twice", tfjsFiles([doubled, doubled]), /"w" is there twice/],
  ["no name", group({ name: 7 }), /expected one with a name/],
  ["an unknown dtype", group({ dtype: "float16" }), /has dtype "float16", expected float32/],
  ["a size below 0", group({ shape: [-1] }), /has shape \[-1\]/],
  ["half a size", group({ shape: [1.5] }), /has shape \[1\.5\]/],
  ["33 axes", group({ shape: new Array(33).fill(1) }), /at most 32 sizes/],
  ["sizes beyond 2^53", group({ shape: [2 ** 40, 2 ** 40] }), /less than 2\^53 bits/],
  ["more bytes than files have", group({ shape: [2] }), /at bytes 0 to 8, expected a place in the 4 bytes/],
  ["fewer bytes than files have", group({}, 5), /has files of 5 bytes, expected the 4 of its tensors/],
  ["texts without end", group({ dtype: "string", shape: [2 ** 40] }), /expected no more than its files hold/],
  [
    "a quantised flag",
    group({ dtype: "bool", quantization: { dtype: "uint8", scale: 1, min: 0 } }),
    /is quantised as "uint8"/,
  ],
  ["an unknown quantisation", group({ quantization: { dtype: "int4" } }), /is quantised as "int4"/],
  ["no scale", group({ quantization: { dtype: "uint8", min: 0 } }), /has scale undefined and min 0/],
  [
    "a scale beyond float32",
    group({ shape: [4], quantization: { dtype: "uint8", scale: 1e300, min: 0 } }),
    /has values up to/,
  ],
  ["no JSON", { "model.json": utf8('{"modelTopology":') }, /is not valid JSON/],
  ["no UTF-8", { "model.json": Uint8Array.of(0x7b, 0xff) }, /is not valid UTF-8/],
  ["a key twice", { "model.json": utf8('{"weightsManifest":[],"weightsManifest":[]}') }, /"weightsManifest" twice/],
  ["lists 129 deep", { "model.json": utf8("[".repeat(129)) }, /is nested 129 deep/],
];

for (const [what, contents, message] of HOSTILE)
  test(`refused: ${what}`, async () => {
    const files = memoryFiles(contents);
    await rejects(
      () => openFormat(bytesSource(contents["model.json"]!, "model.json"), files, {}),
      FormatError,
      message,
    );
    assert.is(files.stillOpen(), 0);
  });

test("names are no keys of objects", async () => {
  const model = await open(
    tfjsFiles([weight("__proto__", "float32", [1], counting(4)), weight("0", "float32", [1], counting(4))]),
  );
  assert.equal([...model.tensors.keys()], ["__proto__", "0"]);
});

test.run();
