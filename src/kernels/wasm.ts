/** The two wasm builds, embedded as base64: decoded and compiled on first use, once each. */

import scalarBase64 from "../../build/rebasin.scalar.wasm";
import simdBase64 from "../../build/rebasin.simd.wasm";

/** Which build to use: `simd: false` forces the scalar one, `true` insists on SIMD, default is what the engine supports. */
export interface BuildOptions {
  readonly simd?: boolean;
}

/** A compiled build. Compiled modules hold no state: sharing one shares nothing but code. */
export interface CompiledBuild {
  readonly simd: boolean;
  readonly module: WebAssembly.Module;
}

const compiled = new Map<boolean, WebAssembly.Module>();
let simdSupported: boolean | undefined;

/** Bytes of one build: a fresh copy. */
export function wasmBytes(simd: boolean): Uint8Array<ArrayBuffer> {
  return decodeBase64(simd ? simdBase64 : scalarBase64);
}

export function decodeBase64(base64: string): Uint8Array<ArrayBuffer> {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/**
 * The compiled module of a build, chosen by what the engine validates unless `simd` says which.
 * Throws `WebAssembly.CompileError` where `simd: true` is asked of an engine without SIMD.
 */
export function compileBuild(options: BuildOptions = {}): CompiledBuild {
  const simd = options.simd ?? supportsSimd();
  let module = compiled.get(simd);
  if (module === undefined) {
    module = new WebAssembly.Module(wasmBytes(simd));
    compiled.set(simd, module);
  }
  return { simd, module };
}

export function supportsSimd(): boolean {
  simdSupported ??= WebAssembly.validate(wasmBytes(true));
  return simdSupported;
}
