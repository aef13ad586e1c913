/** What the command line says of a network, for detection, and what it says where a network is not known. */

import { mkdirSync, writeFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng } from "../../src/base/rng.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write-safetensors.ts";
import { A, B, commandLine } from "../reference/command-line.ts";
import { KINDS } from "../reference/forward/kinds.ts";
import { makeNetwork, networkModel } from "../reference/forward/network.ts";
import { Weights } from "../reference/forward/sequences.ts";
import { NETWORKS, SEQUENCES } from "../reference/forward/transformers.ts";
import { toModel } from "../reference/networks.ts";

const test = suite("command line: detection");
const cli = commandLine(test);
const { run, runJson } = cli;

/** A file of a network of a kind. */
async function fileOf(kind: string, name: string, seed = 1): Promise<string> {
  const network = KINDS.get(kind)!.find((each) => each.name === name)!;
  const path = cli.path(`${seed}.safetensors`);
  writeFileSync(path, await encodeSafetensors(networkModel(makeNetwork(network, seed).tensors)));
  return path;
}

test("basis and assumptions are shown by inspect and by reports", async () => {
  const { json } = await runJson("inspect", A);
  assert.is(json.basis, "chain");
  assert.is(json.assumptions[0], "no skip connections");
  assert.match((await run("inspect", A)).stdout, /\nbasis {5}chain\nassumes {3}no skip connections\n {10}no branches/);
  const merged = await runJson("merge", A, B, "-o", "m.safetensors");
  assert.is(merged.json.basis, "chain");
  assert.equal(merged.json.assumptions, json.assumptions);
});

test("--norm-groups, --order and --assume chain make unknown networks known", async () => {
  const normed = await fileOf("GroupNorm", "GroupNorm: conv1 norm1 conv2 norm2 fc");
  assert.is((await runJson("inspect", normed)).json.family, null);
  const { json } = await runJson("inspect", normed, "--norm-groups", "4");
  assert.is(json.family, "vgg");
  assert.is(json.permutations["C0.norm"].size, 4);
  const unsorted = await fileOf("unsorted names", "names: fa fb gout", 2);
  assert.is((await runJson("inspect", unsorted)).json.family, null);
  assert.is((await runJson("inspect", unsorted, "--order", "fa,fb,gout")).json.family, "mlp");
  const gate = await fileOf("gates", "gate: w1 w2 w3", 3);
  assert.is((await runJson("inspect", gate, "--assume", "chain")).json.family, "mlp");
});

test("they are for detection: wrong usage beside a spec file", async () => {
  assert.is((await run("inspect", A, "--spec-out", "spec.json")).code, 0);
  for (const words of [
    ["--order", "a,b"],
    ["--norm-groups", "1"],
    ["--assume", "chain"],
  ]) {
    const { code, stderr } = await run("merge", A, B, "-o", "m.safetensors", "--spec", cli.path("spec.json"), ...words);
    assert.is(code, 2);
    assert.match(stderr, /is for detection, expected no spec file beside it/);
  }
  assert.is((await run("inspect", A, "--norm-groups", "0")).code, 2);
});

test("a network that is not known: the reason once, and a spec to fill in that moves nothing", async () => {
  const path = await fileOf("attention", "attention: fc_in attn_q attn_k attn_v attn_o fc_final");
  const { code, json } = await runJson("inspect", path, "--spec-out", "skeleton.json");
  assert.is(code, 0);
  assert.match(json.why, /^.*attn_q\.weight is named after "attn", and no table knows this network; or pass/);
  const again = await runJson("inspect", path, "--spec", cli.path("skeleton.json"));
  assert.is(again.json.basis, "given");
  assert.equal(again.json.permutations, {});
  const blocks = await fileOf("residual blocks", "dense: input body.0.0 body.0.2 body.1.0 body.1.2 output", 4);
  assert.is((await run("inspect", blocks, "--spec-out", "blocks.json")).code, 0);
  const found = await runJson("inspect", blocks, "--spec", cli.path("blocks.json"));
  assert.is(found.code, 0);
});

test("a transformer: roles are listed, and nothing advises or blames what cannot run it", async () => {
  const [network] = Object.values(NETWORKS).filter(({ family }) => family === "llama");
  const weights = new Weights(new Map(), createRng(1));
  network!.run(weights, SEQUENCES[0]!);
  mkdirSync(cli.path("llama"));
  writeFileSync(cli.path("llama/model.safetensors"), await encodeSafetensors(toModel(weights.tensors)));
  writeFileSync(cli.path("llama/config.json"), JSON.stringify(network!.config));
  const { stdout } = await run("inspect", "llama");
  assert.match(stdout, /^role +permutation +size +tensors +inside$/m);
  assert.match(stdout, /^head-inner +V0 +\d+ +\d+ +G0$/m);
  assert.match(stdout, /^residual +R +\d+ +\d+$/m);
  const merged = await run("merge", "llama", "llama", "-o", "m/");
  assert.is(merged.code, 0, merged.stderr);
  assert.not.match(merged.stdout, /^hint/m);
  const verified = await run("verify", "llama");
  assert.is(verified.code, 1);
  assert.match(
    verified.stderr,
    /^rebasin: llama has the names of llama, which is aligned and not run, [^\n]*--graph[^\n]*\n$/,
  );
});

test.run();
