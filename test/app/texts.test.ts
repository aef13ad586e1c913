/** What the app says of an alignment, and its report: no browser needed. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { endText, finalLinesOf, progressText, stepsText } from "../../app/align-text.ts";
import { reportHtml } from "../../app/report-html.ts";
import type { MatchReport } from "../../src/match/match-weights.ts";
import { BROWSER } from "./driver.ts";

const test = suite(`app in ${BROWSER}: texts`);

const report: MatchReport = {
  ...{
    method: "frank-wolfe",
    seed: 0,
    spec: "mlp",
    basis: "chain",
    assumptions: [],
    objective: 3,
    identityObjective: 1,
    sweeps: 1,
    iterations: 8,
  },
  ...{ seconds: 0.25, threads: 1, relaxed: false, memoryBytes: 4.03e6, permutations: {}, held: [] },
};

test("what an alignment did, by method", () => {
  assert.is(stepsText(report), "8 steps of Frank–Wolfe and 1 sweep of descent");
  assert.is(stepsText({ method: "coordinate", iterations: 0, sweeps: 13 }), "13 sweeps of descent");
  assert.is(stepsText({ ...report, iterations: 0 }), "one assignment per permutation, which is the optimum");
  assert.is(
    endText(report),
    "Aligned in 0.25 s by 8 steps of Frank–Wolfe and 1 sweep of descent, on 1 thread. It took 4.03 MB of memory beside what it held of the two files.",
  );
});

test("what it is at: after reading, the end is not known", () => {
  const none = { frankWolfe: [], coordinate: [] };
  const reading = { stage: "read", total: 6, ...none } as const;
  assert.equal(progressText({ ...reading, done: 3 }, "coordinate"), { share: 0.5, text: "Reading tensor 3 of 6" });
  assert.equal(progressText({ ...reading, done: 6 }, "coordinate"), {
    share: null,
    text: "All 6 tensors read. Computing …",
  });
  const swept = { stage: "coordinate", done: 1, frankWolfe: [], coordinate: [2] } as const;
  assert.is(progressText(swept, "coordinate").text, "Descent, sweep 1: objective 2.00000");
  assert.is(progressText(swept, "frank-wolfe").text, "Assigned every permutation: objective 2.00000");
});

test("the line of one assignment begins where it did", () => {
  const lines = finalLinesOf({ report: { ...report, iterations: 0 }, frankWolfe: [], coordinate: [3] });
  assert.equal(
    lines.map(({ points }) => points),
    [
      [
        { x: 0, y: 1 },
        { x: 1, y: 3 },
      ],
    ],
  );
});

test("the report names no steps where there were none", () => {
  const output = { format: "safetensors", ending: ".safetensors" };
  const summary = { output, spec: "mlp", why: "", groups: [], log10Symmetries: 1, frozen: [] };
  const html = reportHtml({
    ...{ a: "a", b: "b", lambda: 0.5, summary, charts: [] },
    report: { ...report, method: "coordinate", iterations: 0, sweeps: 13 },
  });
  assert.match(html, "Method coordinate: 13 sweeps of descent, in 0.25 s on 1 thread.");
});

test.run();
