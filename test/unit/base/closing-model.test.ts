import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type ClosingModel, closing } from "../../../src/base/closing-model.ts";
import { memoryModel } from "../../../src/base/memory-model.ts";
import type { Model } from "../../../src/base/model.ts";
import { createRng } from "../../../src/base/rng.ts";
import { openModel } from "../../../src/formats/open-model.ts";
import { encodeSafetensors } from "../../../src/formats/safetensors/write-safetensors.ts";
import { bytesSource } from "../../../src/io/byte-source.ts";
import { mergeModels } from "../../../src/merge/merge-models.ts";
import { mlpNetwork, toModel } from "../../reference/networks.ts";

const test = suite("models that close themselves");
const { asyncDispose } = Symbol as { readonly asyncDispose?: symbol };

const disposeOf = (model: object): (() => Promise<void>) | undefined =>
  asyncDispose === undefined ? undefined : Reflect.get(model, asyncDispose);

test("an opened model and a merge have the method where the engine has its name, and it closes what they read", async () => {
  const closed: string[] = [];
  const source = bytesSource(await encodeSafetensors(toModel(mlpNetwork(createRng(1)).tensors)));
  const opened = await openModel({ ...source, close: async () => void closed.push("file") });
  assert.is(typeof disposeOf(opened), asyncDispose === undefined ? "undefined" : "function");
  await disposeOf(opened)?.call(opened);
  assert.is(closed.length, asyncDispose === undefined ? 0 : 1);
  const { tensors, spec } = mlpNetwork(createRng(1));
  const a: Model = { ...toModel(tensors), close: async () => void closed.push("a") };
  const merged: ClosingModel = await mergeModels(a, a, spec, new Map());
  await disposeOf(merged)?.call(merged);
  assert.is(closed.length, asyncDispose === undefined ? 0 : 3);
});

test("a model without close is left alone; a copy with a close of its own is closed by that", async () => {
  const model = closing(memoryModel(new Map()));
  await disposeOf(model)?.call(model);
  let closed = 0;
  const copy: Model = { ...model, close: async () => void closed++ };
  await disposeOf(copy)?.call(copy);
  assert.is(closed, asyncDispose === undefined ? 0 : 1);
});

test.run();
