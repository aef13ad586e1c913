/**
 * The two wasm builds. The bundler makes each import a text of hexadecimal digits, which is decoded and compiled once,
 * on first use. Edge workers may not compile while they answer a request: for them it is a module that the host
 * compiled (SIMD only).
 */

import scalarWasm from "../../build/rebasin.scalar.wasm";
import simdWasm from "../../build/rebasin.simd.wasm";
import type { Computing } from "../base/options.ts";
import { decodeHex } from "./decode-hex.ts";

/**
 * Which build to use: `simd: false` forces the scalar one, `true` insists on SIMD, default is what the engine
 * supports.
 */
export type BuildOptions = Pick<Computing, "simd">;

/** A build from elsewhere: the relaxed one, which is loaded on demand. */
export interface ModuleOptions extends BuildOptions {
  readonly module?: WebAssembly.Module | undefined;
}

/** A compiled build. Compiled modules hold no state: sharing one shares nothing but code. */
export interface CompiledBuild {
  readonly simd: boolean;
  readonly module: WebAssembly.Module;
}

/** Embedded builds compiled so far. */
const compiled = new Map<boolean, WebAssembly.Module>();
/** What `init` was given, by whether it is SIMD; takes the place of the embedded builds. */
let given: ReadonlyMap<boolean, WebAssembly.Module> | null = null;
let simdSupported: boolean | undefined;

/** The build that the bundler embedded: hexadecimal digits, or a compiled module. */
function embedded(simd: boolean): string | WebAssembly.Module {
  return simd ? simdWasm : scalarWasm;
}

/** From now on these builds are used, and no others; null: the embedded ones again. */
export function useBuilds(builds: ReadonlyMap<boolean, WebAssembly.Module> | null): void {
  given = builds;
}

/**
 * The compiled module of a build, chosen by what the engine validates unless `simd` decides. Throws
 * `WebAssembly.CompileError` where `simd: true` is asked of an engine without SIMD, `RangeError` for a build that
 * `init` was not given.
 */
export function compileBuild(options: ModuleOptions = {}): CompiledBuild {
  if (options.module !== undefined) return { simd: true, module: options.module };
  const simd = chooseSimd(options);
  return { simd, module: given?.get(simd) ?? compileEmbedded(simd) };
}

function compileEmbedded(simd: boolean): WebAssembly.Module {
  const source = embedded(simd);
  if (typeof source !== "string") return source;
  if (source === "") throw absent();
  let module = compiled.get(simd);
  if (module === undefined) {
    module = new WebAssembly.Module(decodeHex(source));
    compiled.set(simd, module);
  }
  return module;
}

/** Edge workers embed the SIMD build alone: all of them run it, and each byte is read before a first request. */
function absent(): RangeError {
  return new RangeError("simd: false, expected the scalar build too (init with rebasin/rebasin.scalar.wasm)");
}

/** Whether to use the SIMD build. Throws `RangeError` for a build that `init` was not given. */
export function chooseSimd({ simd = supportsSimd() }: BuildOptions): boolean {
  if (given === null || given.has(simd)) return simd;
  const [has, wants] = simd ? ["scalar", "SIMD"] : ["SIMD", "scalar"];
  throw new RangeError(`init was given the ${has} build, expected the ${wants} build for simd: ${simd}`);
}

/** By what `init` was given, or else by what the engine compiles. */
export function supportsSimd(): boolean {
  if (given !== null) return given.has(true);
  simdSupported ??= compilesSimd();
  return simdSupported;
}

/** By compiling what is used next anyway. A host that could not run a module would not have compiled it. */
function compilesSimd(): boolean {
  try {
    compileEmbedded(true);
    return true;
  } catch (error) {
    if (error instanceof WebAssembly.CompileError) return false;
    throw error;
  }
}
