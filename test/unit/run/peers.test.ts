/** What is said when TensorFlow.js is not installed. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { INSTALL_PEERS, withTensorFlow } from "../../../src/run/with-tensorflow.ts";
import { rejects } from "../../reference/expect-error.ts";

const test = suite("optional peers");

/** As the runtimes word it. */
const MISSING: Readonly<Record<string, string>> = {
  Node: "Cannot find package '@tensorflow/tfjs-backend-wasm' imported from /tmp/dist/tf.js",
  Deno: 'Import "@tensorflow/tfjs-core" not a dependency\n  hint: If you want to use a JSR or npm package',
  Bun: "Cannot find package '@tensorflow/tfjs-core' from '/tmp/dist/tf.js'",
  Chromium: 'Failed to resolve module specifier "@tensorflow/tfjs-core". Relative references must start with',
};

for (const [runtime, message] of Object.entries(MISSING)) {
  test(`${runtime}'s words become one line that says what to install`, async () => {
    const cause = new TypeError(message);
    const error = await rejects(
      () => withTensorFlow(() => Promise.reject(cause)),
      Error,
      /^TensorFlow\.js is not installed, /,
    );
    assert.ok(error.message.endsWith(INSTALL_PEERS) && !error.message.includes("\n"));
    assert.is(error.cause, cause);
  });
}

test("other errors and results pass as they are", async () => {
  assert.is(await withTensorFlow(() => Promise.resolve(7)), 7);
  for (const message of ["Cannot find package 'other' imported from x", "backend of @tensorflow/tfjs-core failed"]) {
    const cause = new Error(message);
    assert.is(await rejects(() => withTensorFlow(() => Promise.reject(cause)), Error, /./), cause);
  }
});

test.run();
