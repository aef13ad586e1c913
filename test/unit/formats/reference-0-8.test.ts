/** What the reference reader of safetensors 0.8 opens, and ours once did not. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseSpec } from "../../../src/axes/spec-file.ts";
import { openModel } from "../../../src/formats/open-model.ts";
import { encodeSafetensors } from "../../../src/formats/safetensors/write-safetensors.ts";
import { mergeModels } from "../../../src/merge/merge-models.ts";
import { applyPermutations } from "../../../src/perm/apply-permutations.ts";
import { rejects } from "../../reference/expect-error.ts";
import { concat, entry, safetensorsFile, u64, utf8 } from "../../reference/safetensors-builder.ts";

const test = suite("safetensors as of 0.8");

test("white space before and behind the header", async () => {
  for (const space of ["", " ", "\n", "\t\r\n  "]) {
    const model = await openModel(safetensorsFile(`${space}{${entry("t", "U8", "[2]", "[0,2]")}}${space}`, 2));
    assert.equal([...(await model.read("t"))], [1, 2]);
  }
});

test("metadata that are null are none", async () => {
  const model = await openModel(safetensorsFile(`{"__metadata__":null,${entry("t", "U8", "[1]", "[0,1]")}}`, 1));
  assert.is(model.metadata.size, 0);
});

test("FNUZ floats are read, copied and moved; blending them is refused by name", async () => {
  for (const dtype of ["F8_E4M3FNUZ", "F8_E5M2FNUZ"]) {
    const header = utf8(`{${entry("t", dtype, "[2,2]", "[0,4]")}}`);
    const a = await openModel(concat(u64(header.length), header, Uint8Array.of(1, 2, 3, 0x80)), { name: "a" });
    assert.equal(a.tensors.get("t"), { dtype, shape: [2, 2] });
    const copy = await openModel(await encodeSafetensors(a));
    assert.equal([...(await copy.read("t"))], [1, 2, 3, 0x80]);
    const spec = parseSpec({ format: "rebasin-spec/1", tensors: { t: { axes: ["P", "2"] } } });
    const permutations = new Map([["P", Int32Array.of(1, 0)]]);
    const moved = await applyPermutations(a, spec, permutations);
    assert.equal([...(await moved.read("t"))], [3, 0x80, 1, 2]);
    const merged = await mergeModels(a, a, spec, permutations);
    await rejects(
      () => merged.read("t"),
      TypeError,
      new RegExp(`t is ${dtype}, expected a float, integer or bool dtype`),
    );
  }
});

test.run();
