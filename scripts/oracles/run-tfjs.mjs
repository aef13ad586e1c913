// Runs a layers model of TensorFlow.js on floats of a file and prints its output as JSON, for the oracles in Python:
// node scripts/oracles/run-tfjs.mjs FOLDER_WITH_NODE_MODULES FOLDER_OF_MODEL FLOATS.bin 16,28,28,1
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [folder, model, floats, shape] = process.argv.slice(2);
const require = createRequire(join(folder, "package.json"));
const tf = require("@tensorflow/tfjs-core");
require("@tensorflow/tfjs-backend-cpu");
const { loadLayersModel } = require("@tensorflow/tfjs-layers");
const json = JSON.parse(readFileSync(join(model, "model.json"), "utf8"));
const weights = json.weightsManifest.flatMap((group) => group.weights);
const parts = json.weightsManifest.flatMap((group) => group.paths.map((path) => readFileSync(join(model, path))));
const all = Buffer.concat(parts);
const weightData = all.buffer.slice(all.byteOffset, all.byteOffset + all.length);
const net = await loadLayersModel({ load: async () => ({ ...json, weightSpecs: weights, weightData }) });
const bytes = readFileSync(floats);
const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
const output = net.predict(tf.tensor(values, shape.split(",").map(Number)));
console.log(JSON.stringify(Array.from(await output.data())));
