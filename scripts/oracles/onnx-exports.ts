// Exports of the three families by PyTorch: the spec from the graph is the family's, group for group; the same permutations and merges,
// also through --graph's links. /usr/bin/python3 scripts/oracles/onnx_exports.py exports a.safetensors b.safetensors ...
// node scripts/run.mjs scripts/oracles/onnx-exports.ts exports a.safetensors b.safetensors [norm-groups]
import { basename, join } from "node:path";
import type { Spec } from "../../src/axes/types.ts";
import { compareTensors } from "../../src/base/compare-tensors.ts";
import type { Model } from "../../src/base/model.ts";
import { detectSpec } from "../../src/families/detect-spec.ts";
import { graphSpec, sameGroups } from "../../src/link/from-graph.ts";
import { openModelFile } from "../../src/node/open-model.ts";
import { rebasin } from "../../src/plan/rebasin.ts";

const [folder, pathA, pathB, groups] = process.argv.slice(2) as [string, string, string, string?];
const exported = (path: string, suffix = ""): Promise<Model> =>
  openModelFile(join(folder, `${basename(path, ".safetensors")}${suffix}.onnx`));
const [a, b] = [await openModelFile(pathA), await openModelFile(pathB)];
const family = await detectSpec(a, { normGroups: groups === undefined ? undefined : Number(groups) });
const graph = await exported(pathA);
let wrong = 0;
const say = (good: boolean, text: string): void => {
  console.log(`${good ? "ok   " : "WRONG"} ${text}`);
  wrong += good ? 0 : 1;
};

const { spec, links } = await graphSpec(graph, a);
say(sameGroups(family, spec, a), `${basename(pathA)}: the graph's groups are those of ${family.family}`);
const copies = links.length - new Set(links.map((link) => link.graph)).size;
say(
  links.every(({ by, graph: from, tensor }) => by === "name" || from !== tensor),
  `${links.length} tensors linked`,
);
if (copies > 0) console.log(`note  ${copies} are copies that the exporter dropped`);

const merged = (x: Model, y: Model, by: Spec): ReturnType<typeof rebasin> => rebasin(x, y, { spec: by });
const ordersOf = (permutations: ReadonlyMap<string, Int32Array>): string =>
  [...permutations.values()].map(String).sort().join("|");
const [want, got] = [await merged(a, b, family), await merged(a, b, spec)];
say(ordersOf(want.permutations) === ordersOf(got.permutations), `${got.permutations.size} permutations equal`);
let differing = 0;
for (const name of a.tensors.keys())
  if (Buffer.compare(await want.model.read(name), await got.model.read(name)) !== 0) differing++;
say(
  differing === 0 && compareTensors(want.model.tensors, got.model.tensors).length === 0,
  "the merge is the same, bit for bit",
);

// The files themselves: what they hold is what A and B hold, but for counters that the exporter leaves out.
const own = await rebasin(graph, await exported(pathB));
// What the exporter drops votes once less.
const equal = ordersOf(own.permutations) === ordersOf(want.permutations);
say(equal || copies > 0, `the ONNX files by their own graphs: permutations ${equal ? "equal" : "differ"}`);
differing = 0;
for (const name of graph.tensors.keys())
  if (a.tensors.has(name) && Buffer.compare(await own.model.read(name), await want.model.read(name)) !== 0) differing++;
if (copies === 0) say(differing === 0, "and the same merge");
try {
  const folded = await graphSpec(await exported(pathA, "-folded"), a);
  say(sameGroups(family, folded.spec, a), "exported with constants folded: linked all the same");
} catch (error) {
  console.log(`note  exported with constants folded: ${(error as Error).message.slice(0, 160)}`);
}
process.exitCode = wrong > 0 ? 1 : 0;
