/** Digests of what a command reads: the same for the same content, under any file name. */

import { createHash } from "node:crypto";
import { specFingerprint } from "../axes/spec-file.ts";
import type { Model } from "../base/model.ts";
import type { Dataset } from "../data/dataset.ts";
import { type AlignedPair, pairOf } from "../perm/pair.ts";
import { permutationsFingerprint } from "../perm/permutation-file.ts";
import { graphOf } from "../run/models/model-graph.ts";

/** Images at a time: some megabytes. */
const IMAGES = 1000;

/** Names, dtypes, shapes and bytes of all tensors, in order. */
export async function modelDigest(model: Model, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  for (const [name, { dtype, shape }] of model.tensors) {
    hash.update(JSON.stringify([name, dtype, shape]));
    hash.update(await model.read(name, signal));
  }
  return hash.digest("hex");
}

/** Labels and images as networks get them. */
export function dataDigest(data: Dataset): string {
  const { count, height, width, channels, classes, labels } = data;
  const hash = createHash("sha256");
  hash.update(JSON.stringify([count, height, width, channels, classes]));
  hash.update(labels);
  for (let start = 0; start < count; start += IMAGES)
    hash.update(new Uint8Array(data.read(start, Math.min(count, start + IMAGES)).buffer));
  return hash.digest("hex");
}

/** What results of running A, B and the models between them depend on, by name. */
export async function pairDigests(pair: AlignedPair, signal?: AbortSignal): Promise<[string, string][]> {
  return [
    ["model A", await modelDigest(pair.a, signal)],
    ["model B", await modelDigest(pair.b, signal)],
    ["spec", await specFingerprint(pairOf(pair.a, pair.b, pair.spec).spec)],
    ["permutations", await permutationsFingerprint(pair.permutations)],
    [
      "network",
      createHash("sha256")
        .update(JSON.stringify(await graphOf(pair.a)))
        .digest("hex"),
    ],
  ];
}
