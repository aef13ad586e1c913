/** Step 2: the alignment, with its progress. */

import type { Method } from "../src/index.ts";
import { endText, finalLinesOf, linesOf, progressText } from "./align-text.ts";
import type { AlignProgress, Line } from "./calls.ts";
import { createFigure } from "./figure.ts";
import { createJobRunner, type Job } from "./job.ts";
import { byId, only, onRestore, wholeNumberIn } from "./page.ts";
import type { Store } from "./store.ts";
import type { Workers } from "./workers.ts";

const HEADING = "Objective";
/** A chart takes the charts worker some 50 ms: while the numbers come quickly, not all are drawn. */
const DRAW_EVERY_MS = 250;

export function setUpAlign(store: Store, { match, charts }: Workers): void {
  const section = byId("align", HTMLElement);
  const start = only(section, "[data-start]", HTMLButtonElement);
  const controls = byId("align-controls", HTMLFieldSetElement);
  const figure = createFigure("objective-chart");
  let busy = false;
  const enable = (): void => {
    start.disabled = controls.disabled = busy || store.state.pair === null;
  };
  const runner = createJobRunner(section, (now) => {
    busy = now;
    enable();
  });
  const draw: Draw = (lines) =>
    figure.draw(async () => (await charts.call("objective", { lines, width: figure.width })).svg);

  store.watch(["pair", "lack"], ({ pair, lack }) => {
    runner.cancel();
    enable();
    figure.clear();
    showFigures(null);
    runner.say(pair === null ? lack : "Ready.");
  });
  setUpSeed();
  const align = createAlignment(store, match, draw);
  start.addEventListener("click", () => runner.run("Aligning", align));
}

/** Draws, and gives the text of the SVG that is then shown, or null when a later one took its place. */
type Draw = (lines: readonly Line[]) => Promise<string | null>;

/** What a press of the button does. Its result is the message at the end. */
function createAlignment(store: Store, match: Workers["match"], draw: Draw): (job: Job) => Promise<string> {
  return async ({ signal, report }) => {
    const { pair } = store.state;
    const { a, b, spec } = pair!;
    // Before anything that is on show goes: they may be refused.
    const request = { a, b, spec, ...settings() };
    store.update({ aligned: null });
    showFigures(null);
    let drawn = Number.NEGATIVE_INFINITY;
    const onProgress = (progress: AlignProgress): void => {
      report(progressText(progress, request.method));
      const { frankWolfe, coordinate } = progress;
      // One point is no line yet.
      if (frankWolfe.length + coordinate.length < 2 || signal.aborted) return;
      if (performance.now() - drawn < DRAW_EVERY_MS) return;
      drawn = performance.now();
      draw(linesOf(progress)).catch(() => undefined);
    };
    // What it took is given back whatever comes of it; the next alignment has a worker of its own.
    const aligned = await match.call("align", request, { signal, onProgress }).finally(() => match.stop());
    if (store.state.pair !== pair) throw new DOMException("another pair was chosen", "AbortError");
    store.update({ aligned });
    showFigures(aligned.report);
    draw(finalLinesOf(aligned)).then(
      (svg) => svg !== null && store.state.aligned === aligned && store.charts.set(HEADING, [svg]),
      () => undefined,
    );
    return endText(aligned.report);
  };
}

const chosenMethod = (): Method => byId("method", HTMLSelectElement).value as Method;

/** The seed can be set where there is a choice to make by it. */
function setUpSeed(): void {
  const offer = (): void => {
    byId("seed", HTMLInputElement).disabled = chosenMethod() !== "coordinate";
  };
  byId("method", HTMLSelectElement).addEventListener("change", offer);
  onRestore(offer);
}

/** Frank–Wolfe asks for no seed: it gets the library's default. So does memory where the field is empty. */
function settings(): { method: Method; seed: number; memory?: number } {
  const method = chosenMethod();
  const { value, validity } = byId("memory", HTMLInputElement);
  const memory = value === "" && !validity.badInput ? {} : { memory: 1e6 * wholeNumberIn("memory", "Memory") };
  return { method, seed: method === "coordinate" ? wholeNumberIn("seed", "Seed") : 0, ...memory };
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
