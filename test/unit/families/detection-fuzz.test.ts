import { suite } from "uvu";
import * as assert from "uvu/assert";
import { resolveSpec } from "../../../src/axes/resolve-spec.ts";
import { SpecError } from "../../../src/base/errors.ts";
import type { TensorInfo } from "../../../src/base/model.ts";
import { createRng } from "../../../src/base/rng.ts";
import { detectSpec } from "../../../src/families/detect-spec.ts";
import { nameList } from "../../reference/forward/name-lists.ts";

const test = suite("detection of anything");

test("lists of names and shapes give a spec that fits, or a SpecError of one line", async () => {
  const rng = createRng(7);
  let accepted = 0;
  for (let k = 0; k < 3000; k++) {
    const tensors = nameList(rng);
    const spec = await detectSpec({ tensors }).catch((error: unknown) => error);
    if (spec instanceof Error) {
      assert.instance(spec, SpecError, `list ${k}: ${spec.stack}`);
      assert.not.match(spec.message, /[\n\r]/);
      continue;
    }
    accepted++;
    resolveSpec(spec as Awaited<ReturnType<typeof detectSpec>>, tensors);
  }
  assert.ok(accepted > 20, String(accepted));
});

test("names that tell no order are refused at once, however many", async () => {
  const stems = ["stem", "in", "first", "input", "a", "mid", "c", "d", "head", "out", "final", "last"];
  for (const count of [1, 5, 40]) {
    const tensors = new Map<string, TensorInfo>();
    for (const stem of stems)
      for (let k = 0; k < count; k++) {
        const name = count === 1 ? stem : `${stem}.${"x".repeat(k + 1)}`;
        tensors.set(`${name}.conv.weight`, { dtype: "F32", shape: [4, 4, 1, 1] });
        tensors.set(`${name}.fc.weight`, { dtype: "F32", shape: [4, 4] });
      }
    const start = Date.now();
    for (const assume of [undefined, "chain"] as const) {
      const error = await detectSpec({ tensors }, { assume }).catch((reason: unknown) => reason);
      assert.instance(error, SpecError);
    }
    assert.ok(Date.now() - start < 2000);
  }
});

test.run();
