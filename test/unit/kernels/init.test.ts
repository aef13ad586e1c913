import { suite } from "uvu";
import * as assert from "uvu/assert";
import { init } from "../../../src/kernels/init.ts";
import { createKernels } from "../../../src/kernels/kernels.ts";
import { compileBuild, useBuilds } from "../../../src/kernels/wasm.ts";

const test = suite("init with compiled modules");
const [SIMD, SCALAR] = [compileBuild({ simd: true }).module, compileBuild({ simd: false }).module];
/** Compiled here and not in a test: some hosts compile only while they start. */
const EMPTY = new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
const OF_OTHERS = new WebAssembly.Module(
  // (module (import "a" "b" (func)))
  Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 2, 7, 1, 1, 0x61, 1, 0x62, 0, 0),
);

test.after.each(() => useBuilds(null));

test("what is given is used, and only that", () => {
  init({ module: SCALAR });
  assert.is(compileBuild().module, SCALAR);
  assert.is(createKernels().simd, false);
  assert.is(createKernels({ simd: false }).wasm.isSimd(), 0);
  init({ module: [SIMD] });
  assert.is(compileBuild().module, SIMD);
  assert.is(createKernels().wasm.isSimd(), 1);
});

test("forcing a build that was not given is an error", () => {
  const error = (simd: boolean) => {
    try {
      createKernels({ simd });
    } catch (thrown) {
      return String(thrown);
    }
    return "no error";
  };
  init({ module: SCALAR });
  assert.is(error(true), "RangeError: init was given the scalar build, expected the SIMD build for simd: true");
  init({ module: SIMD });
  assert.is(error(false), "RangeError: init was given the SIMD build, expected the scalar build for simd: false");
});

test("with both, SIMD is the default and either can be forced", () => {
  init({ module: [SCALAR, SIMD] });
  assert.is(createKernels().simd, true);
  assert.is(compileBuild({ simd: false }).module, SCALAR);
  assert.is(compileBuild({ simd: true }).module, SIMD);
});

test("what is no build of this package is refused, and changes nothing", () => {
  const REFUSED: [unknown, string][] = [
    [{ module: [] }, "expected at least one WebAssembly.Module"],
    [{ module: [SIMD, SIMD] }, "twice the SIMD build"],
    [{ module: EMPTY }, "has no function isSimd"],
    [{ module: [SIMD, EMPTY] }, "has no function isSimd"],
    [{ module: OF_OTHERS }, "cannot be instantiated"],
    [{ module: undefined }, "cannot be instantiated"],
    [{ module: new Uint8Array(8) }, "cannot be instantiated"],
    [{ modules: SIMD }, 'init option "modules", expected one of module'],
  ];
  init({ module: SCALAR });
  for (const [options, message] of REFUSED) {
    assert.throws(
      () => init(options as { module: WebAssembly.Module }),
      (error: unknown) => error instanceof TypeError && error.message.includes(message),
      message,
    );
    assert.is(compileBuild().module, SCALAR);
  }
});

test.run();
