/**
 * The names that examples take for granted: their types, and for most what they stand for when the example runs, as
 * expressions over the names before them. The stage is set in a folder with two checkpoints and images.
 */

export interface Prop {
  readonly type: string;
  readonly value?: string;
}

const MODEL = 'import("rebasin").Model';
const DATASET = 'import("rebasin/data").Dataset';
const curve = (name: string): string =>
  `{ name: "${name}", points: [0, 1].map((lambda) => ({ lambda, loss: 1, accuracy: 0.5 })) }`;

export const STAGE: ReadonlyMap<string, Prop> = new Map<string, Prop>([
  ["a", { type: MODEL, value: 'await node.openModel("a.safetensors")' }],
  ["b", { type: MODEL, value: 'await node.openModel("b.safetensors")' }],
  ["c", { type: MODEL, value: "b" }],
  ["model", { type: MODEL, value: "a" }],
  ["spec", { type: 'import("rebasin").Spec', value: "await node.detectSpec(a)" }],
  ["resolved", { type: 'import("rebasin").ResolvedSpec', value: "node.resolveSpec(spec, a.tensors)" }],
  ["permutations", { type: "Map<string, Int32Array>", value: "(await node.matchWeights(a, b, spec)).permutations" }],
  ["p", { type: "Int32Array", value: 'permutations.get("P0")' }],
  ["merged", { type: MODEL, value: "await node.mergeModels(a, b, spec, permutations)" }],
  ["alignedB", { type: MODEL, value: "await node.applyPermutations(b, spec, permutations)" }],
  ["base", { type: MODEL, value: "a" }],
  ["tuned", { type: MODEL, value: "a" }],
  ["otherBase", { type: MODEL, value: "b" }],
  ["other", { type: MODEL, value: "b" }],
  ["adapter", { type: MODEL }],
  ["parts", { type: 'import("rebasin").Model[]', value: "[a, b]" }],
  ["sink", { type: 'import("rebasin").MemorySink' }],
  ["text", { type: "string", value: "node.formatSpec(spec)" }],
  ["file", { type: "File" }],
  ["input", { type: "{ files: File[] }" }],
  ["bytes", { type: "Uint8Array<ArrayBuffer>" }],
  ["bytesA", { type: "Uint8Array<ArrayBuffer>", value: "await node.encodeSafetensors(a)" }],
  ["bytesB", { type: "Uint8Array<ArrayBuffer>", value: "await node.encodeSafetensors(b)" }],
  ["labelBytes", { type: "Uint8Array<ArrayBuffer>" }],
  ["x", { type: "Uint8Array<ArrayBuffer>" }],
  ["y", { type: "Uint8Array<ArrayBuffer>" }],
  ["n", { type: "number", value: "3" }],
  ["arena", { type: 'import("rebasin/kernels").Arena', value: "kernels.createKernels().arena" }],
  ["pixels", { type: "Uint8Array", value: "new Uint8Array(100 * 28 * 28)" }],
  ["labels", { type: "Uint8Array", value: "new Uint8Array(100)" }],
  ["data", { type: DATASET, value: 'await node.readDataFolder("fashion-mnist", { split: "test", limit: 100 })' }],
  ["train", { type: DATASET, value: "data" }],
  ["testSet", { type: DATASET, value: "data" }],
  ["expert", { type: MODEL, value: "a" }],
  ["taskImages", { type: DATASET, value: "data" }],
  ["curve", { type: 'import("rebasin/measure").Curve' }],
  ["tf", { type: 'typeof import("@tensorflow/tfjs-core")', value: 'await import("@tensorflow/tfjs-core")' }],
  ["network", { type: 'import("rebasin/tf").TfNetwork', value: "await run.createNetwork(a)" }],
  ["graph", { type: 'import("rebasin/graph").Graph', value: "network.graph" }],
  [
    "images",
    {
      type: 'import("@tensorflow/tfjs-core").Tensor4D',
      value: "tf.tensor4d(data.read(0, 2), [2, 28, 28, 1])",
    },
  ],
  ["logits", { type: "Float32Array", value: "new Float32Array(1000)" }],
  ["naive", { type: 'import("rebasin/report").PlottedCurve', value: curve("naive") }],
  ["aligned", { type: 'import("rebasin/report").PlottedCurve', value: curve("aligned") }],
  ["curves", { type: 'import("rebasin/report").PlottedCurve[]', value: "[naive, aligned]" }],
  ["cost", { type: "Float32Array", value: "Float32Array.from({ length: 256 * 256 }, (_, i) => i % 7)" }],
  [
    "bins",
    { type: 'import("rebasin/report").Reliability["bins"]', value: "[{ confidence: 0.5, accuracy: 0.4, count: 9 }]" },
  ],
  [
    "plane",
    {
      type: 'import("rebasin/report").Plane',
      value: "{ columns: 2, rows: 2, values: [1, 2, 3, 4], x: [0, 1], y: [0, 1] }",
    },
  ],
  [
    "plan",
    {
      type: 'import("rebasin/plan").MergePlan',
      value: `plans.checkPlan({
        format: "rebasin-plan/1",
        models: [{ path: "a.safetensors" }, { path: "b.safetensors" }],
        blend: { method: "lerp" },
        output: { path: "planned.safetensors" },
      })`,
    },
  ],
  ["graphModel", { type: MODEL }],
  ["runner", { type: 'import("rebasin/verify").SpecRunner' }],
  ["queue", { type: 'import("rebasin/jobs").JobQueue' }],
  ["id", { type: "string" }],
  ["signal", { type: "AbortSignal" }],
  ["job", { type: 'import("rebasin/jobs").PlanJob' }],
  ["runJob", { type: 'import("rebasin/jobs").RunPlanJob' }],
  ["statistics", { type: 'import("rebasin/by-data").ActivationStatistics' }],
]);

/** A declaration file of all of them. */
export function stageTypes(): string {
  return [...STAGE].map(([name, { type }]) => `declare const ${name}: ${type};\n`).join("");
}

/** A program that puts those with a value on the global object: examples that declare the same name hide them. */
export function stageProgram(): string {
  const lines = [...STAGE]
    .filter(([, { value }]) => value !== undefined)
    .map(([name, { value }]) => `const ${name} = globalThis.${name} = ${value};`);
  const imports = ["node", "kernels", "tf as run", "plan as plans"].map((entry) => {
    const [file, name = file] = entry.split(" as ");
    return `import * as ${name} from "rebasin/${file}";`;
  });
  return [...imports, ...lines].join("\n");
}
