/** The options of the benchmarks: what two of them name must be two things. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseOptions } from "../../scripts/bench/options.ts";

const test = suite("bench-options");

test("two scales in one folder have files of their own", () => {
  const { pairs } = parseOptions(["match", "--scale", "vgg16", "dir", "--scale", "resnet50", "dir"]);
  assert.equal(
    pairs.map(({ name, a }) => [name, a]),
    [
      ["vgg16", "dir/vgg16/a.safetensors"],
      ["resnet50", "dir/resnet50/a.safetensors"],
    ],
  );
  assert.is(new Set(pairs.flatMap(({ spec, a, b }) => [spec, a, b])).size, 6);
});

test.run();
