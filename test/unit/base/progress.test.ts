import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createYielder, startClock } from "../../../src/base/progress.ts";

const test = suite("progress");

/** Runs `body` with the system's clock in its hands. */
async function withClock(body: (set: (ms: number) => void) => Promise<void>): Promise<void> {
  const real = Date.now;
  let now = 1_000_000;
  Date.now = () => now;
  try {
    await body((ms) => {
      now = ms;
    });
  } finally {
    Date.now = real;
  }
}

/** Whether `pause` waits for another task, and does not resolve in the one that calls it. */
async function givesWay(pause: () => Promise<void>): Promise<boolean> {
  let resolved = false;
  const done = pause().then(() => {
    resolved = true;
  });
  for (let k = 0; k < 20; k++) await null;
  const gave = !resolved;
  await done;
  return gave;
}

/** What `promise` is rejected with. */
const reasonOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => assert.unreachable(),
    (reason) => reason,
  );

test("gives way when its time has passed, and not before", () =>
  withClock(async (set) => {
    const pause = createYielder(undefined, 12);
    set(1_000_011);
    assert.not(await givesWay(pause));
    set(1_000_012);
    assert.ok(await givesWay(pause));
    assert.not(await givesWay(pause));
  }));

test("gives way when the clock was set back", () =>
  withClock(async (set) => {
    const pause = createYielder(undefined, 12);
    set(5);
    assert.ok(await givesWay(pause));
    assert.not(await givesWay(pause));
  }));

test("an abort ends the next step, and while others run", () =>
  withClock(async (set) => {
    const early = new AbortController();
    const pause = createYielder(early.signal, 12);
    early.abort("early");
    assert.is(await reasonOf(pause()), "early");

    const late = new AbortController();
    const other = createYielder(late.signal, 12);
    set(1_000_020);
    const step = other();
    late.abort("late");
    assert.is(await reasonOf(step), "late");
  }));

test("a clock tells seconds, never less than none", () =>
  withClock(async (set) => {
    const seconds = startClock();
    set(1_001_500);
    assert.is(seconds(), 1.5);
    set(0);
    assert.is(seconds(), 0);
  }));

test.run();
