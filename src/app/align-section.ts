/** Step 2: the alignment, with its progress. */

import type { Method } from "../match/match-weights.ts";
import type { AlignProgress, Line } from "./calls.ts";
import { createFigure } from "./figure.ts";
import { createJobRunner, type JobReport } from "./job.ts";
import { byId, counted, formatBytes, only, wholeNumberIn } from "./page.ts";
import type { Store } from "./store.ts";
import type { Workers } from "./workers.ts";

const HEADING = "Objective";
/** A chart takes the charts worker some 50 ms: while the numbers come quickly, not all are drawn. */
const DRAW_EVERY_MS = 250;

export function setUpAlign(store: Store, { match, charts }: Workers): void {
  const section = byId("align", HTMLElement);
  const start = only(section, "[data-start]", HTMLButtonElement);
  const controls = byId("align-controls", HTMLFieldSetElement);
  const method = byId("method", HTMLSelectElement);
  const figure = createFigure("objective-chart");
  let busy = false;
  const enable = (): void => {
    start.disabled = controls.disabled = busy || store.state.pair === null;
  };
  const runner = createJobRunner(section, (now) => {
    busy = now;
    enable();
  });
  const draw = (trace: Trace): Promise<string | null> =>
    figure.draw(async () => (await charts.call("objective", { lines: linesOf(trace), width: figure.width })).svg);

  store.watch(["pair", "lack"], ({ pair, lack }) => {
    runner.cancel();
    enable();
    figure.clear();
    showFigures(null);
    runner.say(pair === null ? lack : "Ready.");
  });
  const offerSeed = (): void => {
    byId("seed", HTMLInputElement).disabled = method.value !== "coordinate";
  };
  method.addEventListener("change", offerSeed);
  // Browsers restore what was chosen before a reload.
  offerSeed();
  start.addEventListener("click", () =>
    runner.run("Aligning", async ({ signal, report }) => {
      const { pair } = store.state;
      const { a, b, spec } = pair!;
      // Before anything that is on show goes: they may be refused.
      const request = { a, b, spec, ...settings() };
      store.update({ aligned: null });
      showFigures(null);
      let drawn = Number.NEGATIVE_INFINITY;
      const onProgress = (progress: AlignProgress): void => {
        report(described(progress));
        if (performance.now() - drawn < DRAW_EVERY_MS || signal.aborted) return;
        drawn = performance.now();
        draw(progress).catch(() => undefined);
      };
      // What it took is given back whatever comes of it; the next alignment has a worker of its own.
      const aligned = await match.call("align", request, { signal, onProgress }).finally(() => match.stop());
      if (store.state.pair !== pair) throw new DOMException("another pair was chosen", "AbortError");
      store.update({ aligned });
      showFigures(aligned.report);
      const { report: done } = aligned;
      draw(aligned).then(
        (svg) => svg !== null && store.state.aligned === aligned && store.charts.set(HEADING, [svg]),
        () => undefined,
      );
      const steps = done.iterations > 0 ? `${counted(done.iterations, "step")} and ` : "";
      const how = `${steps}${counted(done.sweeps, "sweep")} on ${counted(done.threads, "thread")}, in ${formatBytes(done.memoryBytes)} beside the two files`;
      return `Aligned in ${done.seconds.toFixed(2)} s: ${how}.`;
    }),
  );
}

type Trace = Pick<AlignProgress, "frankWolfe" | "coordinate">;

const STAGES: Readonly<Record<string, string>> = {
  read: "Reading tensor",
  "frank-wolfe": "Frank–Wolfe, step",
  coordinate: "Descent, sweep",
};

function described({ stage, done, total, frankWolfe, coordinate }: AlignProgress): JobReport {
  const objective = coordinate.at(-1) ?? frankWolfe.at(-1);
  const value = objective === undefined ? "" : `: objective ${objective.toPrecision(6)}`;
  const of = total === undefined ? "" : ` of ${total}`;
  return { share: total === undefined ? null : done / total, text: `${STAGES[stage] ?? stage} ${done}${of}${value}` };
}

/** The stages one after the other; descent goes on from where Frank–Wolfe ended. */
function linesOf({ frankWolfe, coordinate }: Trace): Line[] {
  const line = (name: string, values: readonly number[], offset: number): Line => ({
    name,
    points: values.map((y, i) => ({ x: offset + i + 1, y })),
  });
  return [line("Frank–Wolfe (relaxed)", frankWolfe, 0), line("descent", coordinate, frankWolfe.length)].filter(
    ({ points }) => points.length > 0,
  );
}

/** Frank–Wolfe has no use for a seed: it gets the one that it has everywhere else. */
function settings(): { method: Method; seed: number } {
  const method = byId("method", HTMLSelectElement).value as Method;
  return { method, seed: method === "coordinate" ? wholeNumberIn("seed", "Seed") : 0 };
}

interface Outcome {
  readonly identityObjective: number;
  readonly objective: number;
  readonly permutations: Readonly<Record<string, { readonly size: number; readonly moved: number }>>;
}

function showFigures(report: Outcome | null): void {
  const set = (id: string, text: string): void => {
    byId(id, HTMLElement).textContent = text;
  };
  const all = Object.values(report?.permutations ?? {});
  const sum = (of: (each: { size: number; moved: number }) => number): string =>
    all.reduce((total, each) => total + of(each), 0).toLocaleString("en");
  set("objective-before", report?.identityObjective.toPrecision(5) ?? "–");
  set("objective-after", report?.objective.toPrecision(5) ?? "–");
  set("moved", report === null ? "–" : `${sum(({ moved }) => moved)} of ${sum(({ size }) => size)}`);
}
