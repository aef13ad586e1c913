// Embeds .wasm files as hexadecimal digits. Base64 is shorter, but shifts bytes against each other, so that a compressor
// finds less that repeats: gzipped, both builds of the core take 18.6 kB in digits and 22.6 kB in base64.
import { readFileSync } from "node:fs";
import { basename, resolve } from "node:path";

/** The default export of a .wasm file is the text of its digits. */
export const embedWasm = {
  name: "wasm as hexadecimal digits",
  setup({ onResolve, onLoad }) {
    // By their names alone: source maps say nothing of the folder of the build.
    onResolve({ filter: /\.wasm$/ }, ({ path, resolveDir }) => ({
      path: basename(path),
      namespace: "wasm",
      pluginData: resolve(resolveDir, path),
    }));
    onLoad({ filter: /.*/, namespace: "wasm" }, ({ pluginData }) => ({
      contents: readFileSync(pluginData, "hex"),
      loader: "text",
    }));
  },
};
