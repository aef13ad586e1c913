/** The law of detection: an accepted network computes after its units are renumbered what it computed before. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng } from "../../../src/base/rng.ts";
import { MLPS } from "../../reference/forward/chains.ts";
import { CONVNETS } from "../../reference/forward/convnets.ts";
import { generate } from "../../reference/forward/generator.ts";
import { KINDS } from "../../reference/forward/kinds.ts";
import { FILE_ORDERS, outcomeOf } from "../../reference/forward/outcome.ts";
import { RESNETS } from "../../reference/forward/residual.ts";

const test = suite("kinds of networks");

for (const [kind, networks] of Object.entries({ MLPS, CONVNETS, RESNETS })) {
  test(`${kind} under the names of the field are aligned, whatever the file's order`, async () => {
    for (const network of networks) {
      for (const [order, reorder] of Object.entries(FILE_ORDERS)) {
        const { kind, reason, difference } = await outcomeOf(network, 1, {}, reorder);
        assert.is(kind, "right", `${network.name}, ${order}: ${reason ?? difference}`);
      }
    }
  });
}

for (const [kind, networks] of KINDS) {
  test(`${kind}: aligned rightly or refused, in one line that ends with what to do`, async () => {
    assert.ok(networks.length >= 5);
    for (const network of networks) {
      for (const [order, reorder] of Object.entries(FILE_ORDERS)) {
        const { kind, reason, difference } = await outcomeOf(network, 1, {}, reorder);
        assert.is.not(kind, "wrong", `${network.name}, ${order}: ${difference}`);
        if (kind === "refused") assert.match(reason!, /^model is of no known family: [^\n]*(--|spec file)[^\n]*$/);
      }
    }
  });
}

test("random networks: what is aligned wrongly has its false assumption listed", async () => {
  const rng = createRng(2026);
  const counts = { refused: 0, right: 0, wrong: 0, still: 0 };
  for (let k = 0; k < 300; k++) {
    const { network, kind: what, falsehood } = generate(rng);
    const reorder = k % 2 === 0 ? FILE_ORDERS.sorted! : FILE_ORDERS["in file order"]!;
    const { kind, spec } = await outcomeOf(network, k, {}, reorder);
    counts[kind]++;
    if (kind !== "wrong") continue;
    const told = falsehood !== undefined && spec!.assumptions!.some((line) => falsehood.test(line));
    assert.ok(told, `${what} of seed ${k} is aligned wrongly: ${spec!.why}, ${spec!.assumptions!.join("; ")}`);
  }
  assert.ok(counts.right > 20 && counts.wrong > 50 && counts.refused > 50, JSON.stringify(counts));
});

test("GroupNorm of a given number of groups is aligned", async () => {
  for (const [i, network] of KINDS.get("GroupNorm")!.entries()) {
    const { kind, reason } = await outcomeOf(network, 1, { normGroups: [4, 2, 3][i % 3]! });
    assert.is(kind, "right", `${network.name}: ${reason}`);
  }
  for (const network of KINDS.get("GroupNorm in residual networks")!) {
    const { kind, reason } = await outcomeOf(network, 1, { normGroups: 4 });
    assert.is(kind, "right", `${network.name}: ${reason}`);
  }
});

test("an order that is given is taken, whatever the words", async () => {
  const [network] = KINDS.get("unsorted names")!;
  const { kind, spec } = await outcomeOf(network!, 1, { order: ["fa", "fb.weight", "gout"] }, FILE_ORDERS.reversed);
  assert.is(kind, "right");
  assert.is(spec!.basis, "chain");
  const before = KINDS.get("norms elsewhere")!.find(({ name }) => name === "norms before: norm1 fc1 norm2 fc2 out")!;
  assert.is((await outcomeOf(before, 1, { order: ["norm1", "fc1", "norm2", "fc2", "out"] })).kind, "right");
});

test.run();
