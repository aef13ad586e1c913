/** `rebasin verify` and `--graph` with onnxruntime-web beside the package, as a user has it. */

import { readFileSync, writeFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { resnetOnnx, vggOnnx } from "../reference/onnx-networks.ts";
import { path, runBeside, runJsonBeside, withPeers } from "./peer.ts";

const test = suite("rebasin verify with onnxruntime");

withPeers(test, "an ONNX model by its own graph", async () => {
  writeFileSync(path("r.onnx"), resnetOnnx());
  const json = await runJsonBeside(0, "verify", path("r.onnx"));
  assert.ok(json.kept && json.groups.every(({ shows }: { shows: boolean }) => shows));
  assert.is(json.runtime, "onnxruntime");
});

withPeers(
  test,
  "a checkpoint by the graph of another model of its network, and a wrong spec by that graph",
  async () => {
    writeFileSync(path("g.onnx"), vggOnnx(1));
    writeFileSync(path("b.onnx"), vggOnnx(2));
    await runBeside("convert", path("b.onnx"), path("b.safetensors"));
    const json = await runJsonBeside(0, "verify", path("b.safetensors"), "--graph", path("g.onnx"));
    assert.ok(json.kept);
    assert.ok(json.links.every(({ by }: { by: string }) => by === "name"));
    await runBeside("inspect", path("b.safetensors"), "--graph", path("g.onnx"), "--spec-out", path("s.json"));
    const wrong = JSON.parse(readFileSync(path("s.json"), "utf8"));
    const entry = wrong.tensors["features.5.running_var"];
    wrong.tensors["features.5.running_var"] = Array.isArray(entry) ? ["_"] : { ...entry, axes: ["_"] };
    writeFileSync(path("w.json"), JSON.stringify(wrong));
    const found = await runJsonBeside(
      1,
      "verify",
      path("b.safetensors"),
      "--graph",
      path("g.onnx"),
      "--spec",
      path("w.json"),
    );
    assert.is(found.faults[0].tensor, "features.5.running_var");
  },
);

test.run();
