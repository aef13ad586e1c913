/** `init`: compiled modules from outside, instead of the embedded ones. */

import { checkOptions } from "../base/options.ts";
import type { KernelExports } from "./exports.ts";
import { MEMORY_PAGES } from "./kernels.ts";
import { useBuilds } from "./wasm.ts";

/** What `init` takes. */
export interface InitOptions {
  /** `rebasin.simd.wasm` or `rebasin.scalar.wasm` of this version of the package, compiled; or both. */
  readonly module: WebAssembly.Module | readonly WebAssembly.Module[];
}

/**
 * Hands over wasm builds that you have compiled. Nobody has to: without it, the builds that the package embeds are
 * compiled when they are first needed. It is for hosts whose policy forbids compiling from bytes, and for programs that
 * compile while they download. Counts for everything that starts after it, in `rebasin` and `rebasin/kernels` alike; a
 * second call replaces the first. The SIMD build is used if it is among them, and `simd: true` or `simd: false` must
 * then ask for one that is.
 *
 * @throws {TypeError} for a value that is no module of this package, and for two modules of one build.
 *
 * @example
 * import { init } from "rebasin";
 * init({ module: await WebAssembly.compileStreaming(fetch("/rebasin.simd.wasm")) });
 */
export function init(options: InitOptions): void {
  checkOptions("init", options, { module: "object" });
  const modules = Array.isArray(options.module) ? options.module : [options.module];
  if (modules.length === 0) throw new TypeError("init module [], expected at least one WebAssembly.Module");
  const builds = new Map<boolean, WebAssembly.Module>();
  for (const module of modules) {
    const simd = isSimdBuild(module);
    if (builds.has(simd)) throw new TypeError(`init module twice the ${simd ? "SIMD" : "scalar"} build, expected one`);
    builds.set(simd, module);
  }
  useBuilds(builds);
}

/** Only an instance shows which build it is. */
function isSimdBuild(module: WebAssembly.Module): boolean {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: MEMORY_PAGES });
  let isSimd: unknown;
  try {
    isSimd = (new WebAssembly.Instance(module, { env: { memory } }).exports as Partial<KernelExports>).isSimd;
  } catch (cause) {
    throw new TypeError("init module cannot be instantiated, expected a build of this package", { cause });
  }
  if (typeof isSimd !== "function") {
    throw new TypeError("init module has no function isSimd, expected a build of this package, of this version");
  }
  return isSimd() === 1;
}
