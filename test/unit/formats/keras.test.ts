import { gunzipSync } from "fflate";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FormatError } from "../../../src/base/errors.ts";
import type { Model } from "../../../src/base/model.ts";
import { detectSpec } from "../../../src/families/detect-spec.ts";
import { open as openHdf5, write as writeHdf5 } from "../../../src/formats/keras/hdf5-format.ts";
import { open as openArchive, write as writeArchive } from "../../../src/formats/keras/keras-format.ts";
import { looksLikeKeras } from "../../../src/formats/keras/looks-like-keras.ts";
import { openModel } from "../../../src/formats/open-model.ts";
import { writeModel } from "../../../src/formats/write-model.ts";
import { bytesSource } from "../../../src/io/byte-source.ts";
import { memorySink } from "../../../src/io/sink.ts";
import { rejects, sameBytes } from "../../reference/expect-error.ts";
import { H5PY } from "../../reference/h5py-cases.ts";
import { ANY_TEXT, type BuiltGroup, f32, floats, hdf5File, I32, texts } from "../../reference/hdf5-builder.ts";
import { kerasFile, layers, legacyWeights, weightsFile } from "../../reference/keras-builder.ts";
import { concat, u64, utf8 } from "../../reference/safetensors-builder.ts";
import { u16, u32, zipFile } from "../../reference/zip-builder.ts";

const test = suite("Keras files");

const h5py = (name: string): Uint8Array => gunzipSync(Uint8Array.from(atob(H5PY[name]!), (c) => c.charCodeAt(0)));
const open = (bytes: Uint8Array): Promise<Model> => openHdf5(bytesSource(bytes, "a.h5"), undefined, {});
const openKeras = (bytes: Uint8Array): Promise<Model> => openArchive(bytesSource(bytes, "a.keras"), undefined, {});
const details = (model: Model): Record<string, string> => Object.fromEntries(model.origin!.details);
const listOf = (model: Model): string[] =>
  [...model.tensors].map(([name, { dtype, shape }]) => `${name} ${dtype} ${shape}`);

async function written(model: Model, write = writeHdf5): Promise<{ bytes: Uint8Array; notes: readonly string[] }> {
  const sink = memorySink();
  const notes = await write(model, sink, { like: model.origin });
  return { bytes: sink.bytes(), notes };
}

/** The model with ones in place of every float. */
const ones = (model: Model): Model => ({
  ...model,
  async read(name, signal) {
    const bytes = await model.read(name, signal);
    return model.tensors.get(name)!.dtype === "F32" ? floats(...new Array<number>(bytes.length / 4).fill(1)) : bytes;
  },
});

for (const name of ["keras2", "keras2Split"]) {
  test(`${name}: a whole model of Keras 2, its layers in the order of layer_names`, async () => {
    const file = h5py(name);
    const model = await openModel(file, { name: "a.h5" });
    assert.equal(listOf(model), [
      "dense_9/dense_9/kernel:0 F32 4,5",
      "dense_9/dense_9/bias:0 F32 5",
      "dense_10/dense_10/kernel:0 F32 5,6",
      "dense_10/dense_10/bias:0 F32 6",
      "dense_11/dense_11/kernel:0 F32 6,3",
      "dense_11/dense_11/bias:0 F32 3",
    ]);
    assert.equal(details(model), {
      kind: "whole model",
      producer: "Keras 2.15.0, tensorflow",
      training: "optimizer_weights",
    });
    const spec = await detectSpec(model);
    assert.is(spec.why, "3 dense tensors in a chain 4-5-6-3, Flax or Keras layout");
    const same = await written(model);
    sameBytes(same.bytes, file);
    assert.equal(same.notes, []);
    const { bytes, notes } = await written(ones(model));
    assert.equal(notes, ["kept from a.h5 and stale, as it fits the old weights: optimizer_weights"]);
    const back = await open(bytes);
    for (const tensor of back.tensors.keys())
      sameBytes(await back.read(tensor), await ones(model).read(tensor), tensor);
    sameBytes((await written({ ...back, read: (tensor) => model.read(tensor) })).bytes, file);
  });
}

test("Keras 3 numbers its variables: kinds of layers say what they are", async () => {
  const model = await open(h5py("keras3"));
  assert.equal(listOf(model), [
    "layers/batch_normalization/vars/0 F32 4",
    "layers/batch_normalization/vars/1 F32 4",
    "layers/batch_normalization/vars/2 F32 4",
    "layers/batch_normalization/vars/3 F32 4",
    "layers/conv2d/vars/0 F32 3,3,1,4",
    "layers/conv2d/vars/1 F32 4",
    "layers/dense/vars/0 F32 36,5",
    "layers/dense/vars/1 F32 5",
    "layers/dense_1/vars/0 F32 5,3",
    "layers/dense_1/vars/1 F32 3",
    "layers/dropout/seed_generator/vars/0 U32 2",
  ]);
  assert.equal(details(model), { kind: "weights", training: "optimizer" });
  const spec = await detectSpec(model);
  assert.is(spec.family, "vgg");
  assert.equal(
    Object.fromEntries([...spec.tensors].map(([name, { axes, votes }]) => [name, `${JSON.stringify(axes)} ${votes}`])),
    {
      "layers/batch_normalization/vars/0": '[[["C0"]]] true',
      "layers/batch_normalization/vars/1": '[[["C0"]]] true',
      "layers/batch_normalization/vars/2": '[[["C0"]]] false',
      "layers/batch_normalization/vars/3": '[[["C0"]]] false',
      "layers/conv2d/vars/0": '[[["_"]],[["_"]],[["_"]],[["C0"]]] true',
      "layers/conv2d/vars/1": '[[["C0"]]] true',
      "layers/dense/vars/0": '[[[9,"C0"]],[["D0"]]] true',
      "layers/dense/vars/1": '[[["D0"]]] true',
      "layers/dense_1/vars/0": '[[["D0"]],[["_"]]] true',
      "layers/dense_1/vars/1": '[[["_"]]] true',
      "layers/dropout/seed_generator/vars/0": '[[["_"]]] false',
    },
  );
  sameBytes((await written(model)).bytes, h5py("keras3"));
});

test("numbers of variables that do not tell which is left out are not guessed about", async () => {
  const three: BuiltGroup = {
    members: { vars: { members: { "0": f32([3], 1, 2, 3), "1": f32([3], 1, 2, 3), "2": f32([3], 1, 2, 3) } } },
  };
  const { members } = layers;
  const file = hdf5File({ members: { layers: { members: { ...members, batch_normalization: three } } } });
  await rejects(
    () => open(file).then((model) => detectSpec(model)),
    Error,
    /batch_normalization\/vars\/0 is F32 \[3\], expected a weight, a bias/,
  );
});

test("a .keras file: stored weights are patched with their checksum, packed ones packed again", async () => {
  for (const part of [{}, { deflate: true }, { style: "torch" as const, deflate: true }]) {
    const file = kerasFile(weightsFile(), part);
    const model = await openModel(file, { name: "a.keras" });
    assert.equal(listOf(model), [
      "layers/dense/vars/0 F32 2,3",
      "layers/dense/vars/1 F32 3",
      "layers/dense_1/vars/0 F32 3,1",
      "layers/dense_1/vars/1 F32 1",
    ]);
    assert.equal(details(model), { kind: "whole model", producer: "Keras 3.15.0", training: "optimizer" });
    assert.is((await detectSpec(model)).why, "2 dense tensors in a chain 2-3-1, Flax or Keras layout");
    sameBytes((await written(model, writeArchive)).bytes, file);
    const { bytes, notes } = await written(ones(model), writeArchive);
    assert.equal(notes, ["kept from a.keras and stale, as it fits the old weights: optimizer"]);
    const back = await openKeras(bytes);
    for (const name of back.tensors.keys()) sameBytes(await back.read(name), await ones(model).read(name), name);
    if (part.deflate !== true) assert.is(bytes.length, file.length);
  }
});

test("files in a folder, and names of files", async () => {
  assert.ok(looksLikeKeras(kerasFile(), "model"));
  assert.ok(looksLikeKeras(zipFile([{ name: "x", content: utf8("y") }], {}), "A.KERAS"));
  assert.not(looksLikeKeras(zipFile([{ name: "x", content: utf8("y") }], {}), "a.zip"));
  const sink = memorySink();
  const model = await openModel(kerasFile(), { name: "a.keras" });
  await rejects(() => writeModel(model, sink, { format: "hdf5" }), RangeError, /would be a new hdf5 file/);
});

test("what Keras' lists do not name stays, and what they name must be there", async () => {
  const root = (group: BuiltGroup): Uint8Array => hdf5File({ members: { model_weights: group } });
  const { members } = legacyWeights();
  const some = await open(root(legacyWeights({ layer_names: texts("fc_1") })));
  assert.equal([...some.tensors.keys()], ["fc_1/w/kernel", "fc_1/w/bias"]);
  assert.is(details(some)["not read"], "model_weights/fc_2/w/bias, model_weights/fc_2/w/kernel");
  // A list of names without one: NumPy makes it of floats.
  const none = { shape: [0], type: I32, data: new Uint8Array(0) };
  const empty = await open(
    root({
      attributes: { layer_names: texts("fc_1", "d") },
      members: { ...members, d: { members: {}, attributes: { weight_names: none } } },
    }),
  );
  assert.is(empty.tensors.size, 2);
  for (const [group, message] of [
    [{ attributes: { layer_names: texts("fc_1", "gone") }, members }, /names the layer "gone", expected a group/],
    [{ attributes: { layer_names: texts("fc_1", "fc_1") }, members }, /names "model_weights\/fc_1\/w\/kernel" twice/],
    [
      {
        attributes: { layer_names: texts("x") },
        members: { x: { members: {}, attributes: { weight_names: texts("y") } } },
      },
      /names "y", expected a dataset/,
    ],
    [
      { attributes: { layer_names: texts("fc_1", "x") }, members: { ...members, x: { members: {} } } },
      /has no "weight_names"/,
    ],
    [
      { attributes: { layer_names: { shape: [1], type: I32, data: u32(1) } }, members },
      /has "layer_names" that is no list of texts/,
    ],
  ] as const) {
    const error = await rejects(() => open(root(group)), FormatError, message);
    assert.match(error.message, /^a\.h5 [^\n]*$/);
  }
  await rejects(
    () => open(hdf5File({ attributes: { nb_layers: { shape: [], type: I32, data: u32(1) } }, members })),
    FormatError,
    /is a file of Keras 1/,
  );
  // Shards of Hugging Face name datasets, not groups.
  const shard = await open(
    hdf5File({ attributes: { layer_names: texts("w/kernel") }, members: { m: { members: { w: f32([1], 1) } } } }),
  );
  assert.equal([...shard.tensors.keys()], ["m/w"]);
});

test("texts of any length are in a heap", async () => {
  // The heap is the first dataset's data: right behind the superblock.
  const text = (number: number, words: string): Uint8Array =>
    concat(
      u16(number),
      new Uint8Array(6),
      u64(words.length),
      utf8(words),
      new Uint8Array((8 - (words.length % 8)) % 8),
    );
  const content = concat(text(1, "fc_1"), text(2, "x"), new Uint8Array(16));
  const heap = concat(utf8("GCOL"), Uint8Array.of(1, 0, 0, 0), u64(16 + content.length), content);
  const reference = (length: number, at: number, number: number): Uint8Array =>
    concat(u32(length), u64(at), u32(number));
  const file = (names: Uint8Array): Uint8Array =>
    hdf5File({
      members: {
        heap: { shape: [heap.length / 4], data: heap },
        model_weights: legacyWeights({ layer_names: { shape: [1], type: ANY_TEXT, data: names } }),
      },
    });
  assert.equal([...(await open(file(reference(4, 96, 1)))).tensors.keys()], ["fc_1/w/kernel", "fc_1/w/bias"]);
  for (const [names, message] of [
    [reference(4, 96, 3), /has no text 3, expected one/],
    [reference(9, 96, 1), /has a text of 4 bytes, expected 9/],
    [reference(4, 104, 1), /begins with .*, expected GCOL/],
    [reference(4, 2 ** 40, 1), /expected a place inside/],
  ] as const)
    await rejects(() => open(file(names)), FormatError, message);
});

const HOSTILE: readonly (readonly [string, Uint8Array, RegExp])[] = [
  [
    "no weights",
    zipFile([{ name: "config.json", content: utf8("{}") }], {}),
    /has no entry "model\.weights\.h5", expected one/,
  ],
  [
    "weights of NumPy",
    zipFile(
      [
        { name: "config.json", content: utf8("{}") },
        { name: "model.weights.npz", content: utf8("PK") },
      ],
      {},
    ),
    /has no entry "model\.weights\.h5", but "model\.weights\.npz", expected one/,
  ],
  ["weights that are no HDF5", kerasFile(utf8("no HDF5")), /entry "model\.weights\.h5" has no signature of HDF5/],
  ["weights that are cut", kerasFile(weightsFile().slice(0, 400)), /the file is cut/],
  [
    "two entries of one name",
    zipFile(
      [
        { name: "a.weights.h5", content: utf8("1") },
        { name: "a.weights.h5", content: utf8("1") },
      ],
      {},
    ),
    /twice|again|two/,
  ],
  [
    "metadata that is no JSON",
    zipFile(
      [
        { name: "metadata.json", content: utf8("{") },
        { name: "model.weights.h5", content: weightsFile() },
      ],
      {},
    ),
    /entry "metadata\.json" is not valid JSON/,
  ],
];

for (const [what, bytes, message] of HOSTILE) {
  test(`hostile: ${what}`, async () => {
    const error = await rejects(() => openKeras(bytes), FormatError, message);
    assert.match(error.message, /^a\.keras [^\n]*$/);
  });
}

test("a damaged archive does not get a new checksum", async () => {
  const file = kerasFile();
  const model = await openKeras(file);
  const [first] = Object.values(layers.members);
  assert.ok(first);
  const at = file.findIndex((_, i) => [0, 0, 0x80, 0x3f, 0, 0, 0, 0x40].every((byte, k) => file[i + k] === byte));
  file[at] = 1;
  await rejects(
    () => written(ones(model), writeArchive),
    FormatError,
    /entry "model\.weights\.h5" has CRC .*: the file is damaged/,
  );
});

test.run();
