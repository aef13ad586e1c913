/** The extra builds, embedded as the core's are (wasm.ts). Loaded on demand. */

import scalarWasm from "../../build/rebasin.extra.scalar.wasm";
import simdWasm from "../../build/rebasin.extra.simd.wasm";
import { decodeHex } from "./decode-hex.ts";
import { type BuildOptions, type CompiledBuild, supportsSimd } from "./wasm.ts";

const compiled = new Map<boolean, WebAssembly.Module>();

/**
 * The compiled extra build, for SIMD unless the engine lacks it or `simd` decides. Throws `WebAssembly.CompileError`
 * where the engine may not compile, or lacks what is asked for.
 */
export function compileExtra({ simd = supportsSimd() }: BuildOptions): CompiledBuild {
  const source: string | WebAssembly.Module = simd ? simdWasm : scalarWasm;
  if (typeof source !== "string") return { simd, module: source };
  let module = compiled.get(simd);
  if (module === undefined) {
    module = new WebAssembly.Module(decodeHex(source));
    compiled.set(simd, module);
  }
  return { simd, module };
}
