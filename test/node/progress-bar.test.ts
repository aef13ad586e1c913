/** Progress of the command line, by a clock of our own. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createProgressBar } from "../../src/cli/progress-bar.ts";

const test = suite("progress on stderr");

function bench(isTTY: boolean, quiet = false) {
  let time = 0;
  let text = "";
  const stream = { isTTY, write: (part: string) => (text += part) };
  const bar = createProgressBar(stream, quiet, () => time);
  return {
    bar,
    pass(milliseconds: number): void {
      time += milliseconds;
    },
    taken(): string {
      const found = text;
      text = "";
      return found;
    },
  };
}

test("a terminal has a bar with stage, time, rate and time left", () => {
  const { bar, pass, taken } = bench(true);
  assert.ok(bar.isDrawn);
  bar.onProgress({ stage: "evaluate", done: 0, total: 1000 });
  assert.match(taken(), /^\r.{3}evaluate {5}\[ {24}\] 0\/1000 {2}0:00$/);
  pass(40);
  bar.onProgress({ stage: "evaluate", done: 10, total: 1000 });
  assert.is(taken(), "", "it does not flicker");
  pass(1960);
  bar.onProgress({ stage: "evaluate", done: 250, total: 1000 });
  assert.match(taken(), /\[###### {18}\] 250\/1000 {2}0:02 {2}125\/s {2}0:06 left$/);
  pass(200);
  // Another stage has a time of its own.
  bar.onProgress({ stage: "repair", done: 5, total: 100 });
  pass(100_000);
  bar.onProgress({ stage: "repair", done: 55, total: 100 });
  assert.match(taken(), /repair .* 55\/100 {2}1:40 {2}0\.50\/s {2}1:30 left$/);
  pass(1000);
  bar.onProgress({ stage: "frank-wolfe", done: 3, objective: 1.5 });
  assert.match(taken(), /frank-wolfe {2}step 3 {2}objective 1\.500000 {2}0:00$/);
  bar.clear();
  assert.is(taken(), "\r\x1b[K");
});

test("elsewhere a plain line comes every few seconds, late; with --json nothing", () => {
  const { bar, pass, taken } = bench(false);
  for (let second = 0; second < 9; second++) {
    bar.onProgress({ stage: "repair", done: second, total: 100 });
    pass(1000);
  }
  assert.is(taken(), "");
  pass(2000);
  bar.onProgress({ stage: "repair", done: 11, total: 100 });
  assert.match(taken(), /^repair {7}\[## {22}\] 11\/100 {2}0:11 {2}1\.0\/s {2}1:29 left\n$/);
  pass(4000);
  bar.onProgress({ stage: "repair", done: 15, total: 100 });
  assert.is(taken(), "");
  pass(1000);
  bar.onProgress({ stage: "repair", done: 16, total: 100 });
  assert.match(taken(), /16\/100.*\n$/);
  const quiet = bench(false, true);
  quiet.pass(60_000);
  quiet.bar.onProgress({ stage: "repair", done: 1, total: 2 });
  assert.is(quiet.taken(), "");
  assert.not.ok(quiet.bar.isDrawn);
});

test.run();
