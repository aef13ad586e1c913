/** Step 4: loss and accuracy on the line between the two networks. */

import type { CurveResult } from "./calls.ts";
import { chosenData } from "./data-choice.ts";
import { createFigure } from "./figure.ts";
import { createJobRunner, type Job } from "./job.ts";
import { byId, only } from "./page.ts";
import type { Store } from "./store.ts";
import type { Workers } from "./workers.ts";

const HEADING = "Between the two";
/** Points on the line: as in the paper's code. */
const POINTS = 25;
const DRAW_EVERY_MS = 400;

export function setUpCurve(store: Store, { evaluate, charts }: Workers): void {
  const section = byId("curve", HTMLElement);
  const start = only(section, "[data-start]", HTMLButtonElement);
  const controls = byId("curve-controls", HTMLFieldSetElement);
  const figure = createFigure("curve-chart");
  let busy = false;
  const enable = (): void => {
    start.disabled = busy || store.state.aligned === null;
    controls.disabled = busy;
  };
  const runner = createJobRunner(section, (now) => {
    busy = now;
    enable();
  });
  const draw: Draw = ({ curves }) =>
    figure.draw(async () => (await charts.call("curve", { curves, width: figure.width })).svg);

  store.watch(["aligned"], ({ aligned }) => {
    runner.cancel();
    enable();
    figure.clear();
    runner.say(aligned === null ? "Align first." : "Ready.");
  });
  const evaluateLines = createEvaluation(store, evaluate, draw);
  start.addEventListener("click", () => runner.run("Evaluating", evaluateLines));
}

/** Draws, and gives the text of the SVG that is then shown, or null when a later one took its place. */
type Draw = (result: CurveResult) => Promise<string | null>;

/** What a press of the button does. Its result is the message at the end. */
function createEvaluation(store: Store, evaluate: Workers["evaluate"], draw: Draw): (job: Job) => Promise<string> {
  return async ({ signal, report }) => {
    const { pair, aligned } = store.state;
    const { a, b } = pair!;
    const { spec, permutations } = aligned!;
    let drawn = Number.NEGATIVE_INFINITY;
    const request = { a, b, spec, permutations, data: await chosenData("data"), points: POINTS };
    const result = await evaluate.call("curve", request, {
      signal,
      onProgress(progress) {
        const { done, total } = progress;
        report({ share: done / total, text: `Evaluated ${done} of ${total} points of each curve` });
        if (performance.now() - drawn < DRAW_EVERY_MS || signal.aborted) return;
        drawn = performance.now();
        draw(progress).catch(() => undefined);
      },
    });
    const svg = await draw(result);
    if (svg !== null && store.state.aligned === aligned) store.charts.set(HEADING, [svg]);
    return conclusion(result);
  };
}

/** The values of the curves at their middle. */
function conclusion({ curves, data }: CurveResult): string {
  const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
  const middle = curves.map(({ name, points }) => {
    const { accuracy, loss } = points[(points.length - 1) / 2]!;
    return `${name} ${percent(accuracy)} (loss ${loss.toFixed(3)})`;
  });
  const [first, last] = [curves[0]!.points[0]!, curves[0]!.points.at(-1)!];
  return `Halfway, on ${data}: ${middle.join(", ")}. The ends: A ${percent(first.accuracy)}, B ${percent(last.accuracy)}.`;
}
