/**
 * The relaxed-SIMD builds. Loaded on demand, and only for who asks: multiply and add may be one operation there, so
 * bits differ between engines.
 */

import singleHex from "../../build/rebasin.relaxed.wasm";
import threadsHex from "../../build/rebasin.relaxed-threads.wasm";
import { decodeHex } from "./decode-hex.ts";

const compiled = new Map<boolean, WebAssembly.Module>();

/** The relaxed build, for threads or for one. Null where the engine lacks relaxed SIMD or may not compile now. */
export function compileRelaxed(threads: boolean): WebAssembly.Module | null {
  let module = compiled.get(threads);
  if (module === undefined) {
    try {
      module = new WebAssembly.Module(decodeHex(threads ? threadsHex : singleHex));
    } catch {
      return null;
    }
    compiled.set(threads, module);
  }
  return module;
}
