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

/** Seconds that a line says are left. */
function leftIn(line: string): number | undefined {
  const [, minutes, seconds] = /(\d+):(\d\d) left/.exec(line) ?? [];
  return minutes === undefined ? undefined : 60 * Number(minutes) + Number(seconds);
}

test("time left goes by work: it falls evenly, however unequal the steps are", () => {
  // One embedding, many small tensors, and large ones at the end: by their number, half would seem done at once.
  const sizes = [500, ...new Array<number>(60).fill(1), ...new Array<number>(20).fill(100)];
  const total = sizes.reduce((x, y) => x + y, 0);
  const { bar, pass, taken } = bench(true);
  bar.onProgress({ stage: "write", done: 0, total: sizes.length, work: { done: 0, total, unit: "bytes" } });
  let [written, before, told] = [0, Number.POSITIVE_INFINITY, 0];
  for (const [at, size] of sizes.entries()) {
    pass(100 * size);
    written += size;
    taken();
    bar.onProgress({
      stage: "write",
      done: at + 1,
      total: sizes.length,
      work: { done: written, total, unit: "bytes" },
    });
    const left = leftIn(taken());
    if (left === undefined) continue;
    told++;
    assert.ok(Math.abs(left - (total - written) / 10) <= 1, `${left} s left of ${(total - written) / 10}`);
    assert.ok(left <= before, "it never rises");
    before = left;
  }
  assert.is(before, 0);
  assert.ok(told > 20, `${told} lines`);
});

test("in a stage without a known end it is the time left of the step, by multiplications", () => {
  const { bar, pass, taken } = bench(true);
  const work = (done: number) => ({ done: done * 1e9, total: 60e9, unit: "multiplications" }) as const;
  bar.onProgress({ stage: "frank-wolfe", done: 0, work: work(0) });
  assert.match(taken(), /frank-wolfe {2}step 0 {2}0:00$/);
  for (const [seconds, done, left] of [
    [10, 10, "0:50"],
    [20, 30, "0:30"],
    [25, 55, "0:05"],
  ] as const) {
    pass(1000 * seconds);
    bar.onProgress({ stage: "frank-wolfe", done: 0, work: work(done) });
    assert.match(taken(), new RegExp(` 2\\.0 GFLOP/s {2}${left} left of this step$`));
  }
  pass(5000);
  bar.onProgress({ stage: "frank-wolfe", done: 1, objective: 2 });
  assert.match(taken(), /step 1 {2}objective 2\.000000 {2}1:00 {2}0\.017\/s$/);
  // The next step has a time of its own: updates are faster.
  pass(1000);
  bar.onProgress({ stage: "frank-wolfe", done: 1, work: work(6) });
  assert.match(taken(), /step 1 {2}objective 2\.000000 {2}1:01 {2}12 GFLOP\/s {2}0:09 left of this step$/);
});

test.run();
