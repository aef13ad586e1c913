/**
 * The relaxed-SIMD builds. Loaded on demand, and only for who asks: multiply and add may be one operation there, so bits
 * differ between engines.
 */

import singleBase64 from "../../build/rebasin.relaxed.wasm";
import threadsBase64 from "../../build/rebasin.relaxed-threads.wasm";
import { decodeBase64 } from "./wasm.ts";

const compiled = new Map<boolean, WebAssembly.Module>();

/** The relaxed build, for threads or for one. Null where the engine lacks relaxed SIMD or may not compile now. */
export function compileRelaxed(threads: boolean): WebAssembly.Module | null {
  let module = compiled.get(threads);
  if (module === undefined) {
    try {
      module = new WebAssembly.Module(decodeBase64(threads ? threadsBase64 : singleBase64));
    } catch {
      return null;
    }
    compiled.set(threads, module);
  }
  return module;
}
