import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FormatError } from "../../../src/base/errors.ts";
import { openModel } from "../../../src/formats/open-model.ts";
import { rejects, sameBytes } from "../../reference/expect-error.ts";
import * as p from "../../reference/pickle-builder.ts";
import { counting, utf8 } from "../../reference/safetensors-builder.ts";
import { legacyFile, module, parameter, tarFile, torchZip } from "../../reference/torch-builder.ts";
import { contentsOf, open, stateDict, steps, storages, weight } from "../../reference/torch-cases.ts";

const test = suite("PyTorch files");

const EXPECTED = [
  ["fc.weight", "F32", [2, 3], [...counting(24)]],
  ["steps", "I64", [2], [...counting(16)]],
];

const withMetadata = p.build(
  stateDict,
  p.dict([["_metadata", p.orderedDict([["", p.dict([["version", p.int(1)]])]])]]),
);

/** One state dict, saved in every way. */
const WAYS: readonly (readonly [string, Uint8Array, string])[] = [
  ["bare", torchZip(stateDict, storages), ""],
  ["with _metadata, in a folder of another name", torchZip(withMetadata, storages, { folder: "my model/" }), ""],
  [
    "without a folder, packed again, deflated",
    torchZip(stateDict, storages, { folder: "", style: "plain", deflate: true }),
    "",
  ],
  ["little-endian by name", torchZip(stateDict, storages, { byteorder: "little" }), ""],
  [
    "a plain dictionary",
    torchZip(
      p.dict([
        ["fc.weight", weight],
        ["steps", steps],
      ]),
      storages,
    ),
    "",
  ],
  [
    "nested, with an optimizer and an epoch",
    torchZip(
      p.dict([
        ["epoch", p.int(7)],
        ["best", p.float(0.5)],
        ["state_dict", stateDict],
        ["optimizer", p.dict([["state", p.dict([["0", p.dict([["exp_avg", weight]])]])]])],
        ["lr_schedulers", p.list(p.dict([["x", steps]]))],
      ]),
      storages,
    ),
    "state_dict",
  ],
  [
    "Lightning, with a callback's tensor",
    torchZip(
      p.dict([
        ["pytorch-lightning_version", p.text("2.1")],
        ["callbacks", p.dict([["best", p.dict([["score", steps]])]])],
        ["state_dict", stateDict],
        ["optimizer_states", p.list(p.dict([["momentum", weight]]))],
      ]),
      storages,
    ),
    "state_dict",
  ],
  [
    "parts, nested",
    torchZip(
      p.dict([
        ["fc", p.dict([["weight", weight]])],
        ["steps", steps],
      ]),
      storages,
    ),
    "",
  ],
  [
    "a module",
    torchZip(
      module({
        modules: [
          [
            "fc",
            module({
              parameters: [
                ["weight", parameter(weight)],
                ["bias", p.NONE],
              ],
            }),
          ],
        ],
        buffers: [
          ["steps", steps],
          ["mask", weight],
        ],
        unsaved: ["mask"],
      }),
      storages,
    ),
    "",
  ],
  [
    "a module in a dictionary, beside None",
    torchZip(
      p.dict([
        [
          "model",
          module({
            modules: [["fc", module({ parameters: [["weight", parameter(weight)]] })]],
            buffers: [["steps", steps]],
          }),
        ],
        ["ema", p.NONE],
      ]),
      storages,
    ),
    "model",
  ],
  [
    "parameters",
    torchZip(
      p.orderedDict([
        ["fc.weight", parameter(weight)],
        ["steps", steps],
      ]),
      storages,
    ),
    "",
  ],
  [
    "an unknown dictionary class",
    torchZip(
      p.concatItems(p.newObject(p.global("my", "Dict")), [
        ["fc.weight", weight],
        ["steps", steps],
      ]),
      storages,
    ),
    "",
  ],
  ["before 1.6", legacyFile(stateDict, storages), ""],
  ["before 1.6, storages in another order", legacyFile(stateDict, storages, { keys: ["1", "0"] }), ""],
  [
    "0.1",
    tarFile(
      p.orderedDict([
        ["fc.weight", p.persistent(p.int(5))],
        ["steps", p.persistent(p.int(6))],
      ]),
      storages,
      { "5": { storage: "0", shape: [2, 3] }, "6": { storage: "1", shape: [2] } },
    ),
    "",
  ],
];
for (const [how, file, key] of WAYS) {
  test(`the same tensors: ${how}`, async () => {
    const model = await open(file);
    const sort = (all: unknown[][]): unknown[][] => [...all].sort((a, b) => String(a[0]).localeCompare(String(b[0])));
    assert.equal(sort(await contentsOf(model)), sort(EXPECTED));
    assert.is(new Map(model.origin!.details).get("key") ?? "", key);
    const other = await openModel(file, { name: "x.pt" });
    assert.equal([...other.tensors], [...model.tensors]);
  });
}

test("protocols 4 and 5: frames, short text, stack globals", async () => {
  const storage = p.persistent(
    p.tuple(
      p.shortText("storage"),
      p.concatOps(p.shortText("torch"), p.shortText("FloatStorage"), p.ops(0x93)),
      p.shortText("0"),
      p.shortText("cpu"),
      p.int(6),
    ),
  );
  const call = p.concatOps(p.shortText("torch._utils"), p.shortText("_rebuild_tensor_v2"), p.ops(0x93));
  const args = p.tuple(storage, p.int(0), p.tuple(p.int(6)), p.tuple(p.int(1)), p.FALSE, p.dict([]));
  const object = p.concatOps(p.ops(0x7d, 0x94), p.shortText("w"), call, args, p.ops(0x52, 0x73));
  const model = await open(torchZip(p.framed(object), { "0": storages["0"]! }));
  sameBytes(await model.read("w"), counting(24));
});

test("TorchScript is read by its attributes", async () => {
  const script = (name: string, state: p.Pairs): p.Opcodes =>
    p.build(p.newObject(p.global("__torch__", name)), p.dict(state));
  const object = script("Net", [
    ["training", p.TRUE],
    [
      "fc",
      script("Linear", [
        ["weight", weight],
        ["in_features", p.int(3)],
      ]),
    ],
  ]);
  const file = torchZip(object, storages, { extra: [{ name: "archive/constants.pkl", content: p.pickle(p.tuple()) }] });
  const model = await open(file);
  assert.equal([...model.tensors.keys()], ["fc.weight"]);
  assert.equal(model.origin!.details[0], ["container", "TorchScript"]);
});

test("a tensor saved alone, and a list of tensors", async () => {
  assert.equal([...(await open(torchZip(weight, storages))).tensors.keys()], ["tensor"]);
  assert.equal([...(await open(torchZip(p.list(weight, steps), storages))).tensors.keys()], ["0", "1"]);
});

test("names are any text: __proto__, dots, other scripts", async () => {
  const names = ["__proto__", "constructor", "a.b", "층"];
  const model = await open(torchZip(p.dict(names.map((name) => [name, weight])), storages));
  assert.equal([...model.tensors.keys()], names);
  sameBytes(await model.read("__proto__"), counting(24));
});

const both = torchZip(
  p.dict([
    ["model", stateDict],
    ["ema", p.dict([["fc.weight", weight]])],
    ["optimizer", p.dict([["m", weight]])],
  ]),
  storages,
);

test("several state dicts: listed; chosen by key; dots go down; the root is all of them", async () => {
  await rejects(
    () => open(both),
    FormatError,
    /^a\.pt holds 2 state dicts: "model" \(2 tensors\), "ema" \(1 tensor\); expected one: choose with --key \(option key\)$/,
  );
  assert.equal([...(await open(both, "ema")).tensors.keys()], ["fc.weight"]);
  assert.equal(new Map((await open(both, "ema")).origin!.details).get("other state dicts"), "model");
  assert.equal([...(await open(both, ".")).tensors.keys()], ["model.fc.weight", "model.steps", "ema.fc.weight"]);
  await rejects(
    () => open(both, "x"),
    FormatError,
    /^a\.pt has no state dict "x", expected one of "model" \(2 tensors\), "ema"/,
  );
  const deep = torchZip(
    p.dict([
      [
        "nets",
        p.dict([
          ["g", stateDict],
          ["d", stateDict],
        ]),
      ],
    ]),
    storages,
  );
  assert.equal([...(await open(deep, "nets.d")).tensors.keys()], ["fc.weight", "steps"]);
  assert.equal([...(await open(deep, "nets")).tensors.keys()], ["g.fc.weight", "g.steps", "d.fc.weight", "d.steps"]);
  const list = torchZip(p.list(stateDict, stateDict), storages);
  await rejects(() => open(list), FormatError, /^a\.pt holds 2 state dicts: "0" \(2 tensors\), "1" \(2 tensors\)/);
  const parts = torchZip(
    p.dict([
      ["encoder", stateDict],
      ["decoder", p.dict([["w", weight]])],
    ]),
    storages,
  );
  assert.equal([...(await open(parts)).tensors.keys()], ["encoder.fc.weight", "encoder.steps", "decoder.w"]);
});

test("a few tensors among other things are the model where there is nothing better", async () => {
  const numbers: [string, p.Opcodes][] = [1, 2, 3].map((i) => [`n${i}`, p.int(i)]);
  const sub = p.dict([["v", steps], ...numbers]);
  const file = torchZip(p.dict([["w", weight], ...numbers, ["sub", sub]]), storages);
  for (const key of [undefined, "."]) assert.equal([...(await open(file, key)).tensors.keys()], ["w", "sub.v"]);
});

test("what is no file of torch.save is named", async () => {
  const cases: [Uint8Array, RegExp][] = [
    [p.pickle(p.dict([["a", p.int(1)]])), /^a\.pt is a pickle of a dictionary, expected a file of torch\.save$/],
    [utf8("PYTORCH1........"), /^a\.pt is of a preview of PyTorch 1\.0/],
    [torchZip(p.dict([["epoch", p.int(3)]]), {}), /^a\.pt holds no tensors, expected a PyTorch checkpoint$/],
    [
      torchZip(stateDict, storages, { extra: [{ name: "archive/.data/extern_modules", content: counting(1) }] }),
      /^a\.pt is a torch\.package archive/,
    ],
    [
      torchZip(stateDict, storages, { extra: [{ name: "other/data.pkl", content: counting(1) }] }),
      /^a\.pt has 2 entries data\.pkl/,
    ],
  ];
  for (const [file, message] of cases) await rejects(() => open(file), FormatError, message);
});

test.run();
