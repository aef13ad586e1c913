// Runs an ONNX model with onnxruntime-web on floats of a file and prints its first output as JSON, for the oracles in Python:
// node scripts/oracles/run-onnx.mjs FOLDER_WITH_NODE_MODULES MODEL.onnx FLOATS.bin 16,1,28,28
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const [folder, path, floats, shape] = process.argv.slice(2);
const ort = createRequire(join(folder, "package.json"))("onnxruntime-web");
ort.env.wasm.numThreads = 1;
const beside = join(dirname(path), "m.onnx_data");
const externalData = existsSync(beside) ? [{ path: "m.onnx_data", data: new Uint8Array(readFileSync(beside)) }] : [];
const session = await ort.InferenceSession.create(new Uint8Array(readFileSync(path)), {
  executionProviders: ["wasm"],
  externalData,
});
const bytes = readFileSync(floats);
const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
const input = new ort.Tensor("float32", values, shape.split(",").map(Number));
const outputs = await session.run({ [session.inputNames[0]]: input });
console.log(JSON.stringify(Array.from(outputs[session.outputNames[0]].data)));
