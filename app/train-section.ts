/** Two networks trained in the page, and the barrier between them as they train. */

import type { NamedBlob, TrainEpoch } from "./calls.ts";
import { chosenData } from "./data-choice.ts";
import { createFigure } from "./figure.ts";
import { createJobRunner, type Job } from "./job.ts";
import { byId, only, wholeNumberIn } from "./page.ts";
import type { Workers } from "./workers.ts";

type Pair = readonly [NamedBlob, NamedBlob];

/** `open` takes the trained pair to step 1. */
export function setUpTrain({ evaluate, charts }: Workers, open: (a: NamedBlob, b: NamedBlob) => void): void {
  const section = byId("train", HTMLElement);
  const start = only(section, "[data-start]", HTMLButtonElement);
  const controls = byId("train-controls", HTMLFieldSetElement);
  const use = byId("use-trained", HTMLButtonElement);
  const figure = createFigure("train-chart");
  let pair: Pair | null = null;
  const runner = createJobRunner(section, (busy) => {
    start.disabled = controls.disabled = busy;
    use.disabled = busy || pair === null;
  });
  const draw: Draw = (epochs) =>
    figure.draw(async () => (await charts.call("barrier", { epochs, width: Math.min(640, figure.width) })).svg);

  const train = createTraining(evaluate, draw, (trained) => {
    pair = trained;
  });
  start.addEventListener("click", () => runner.run("Training", train));
  use.addEventListener("click", () => {
    if (pair === null) return;
    open(...pair);
    byId("choose", HTMLElement).scrollIntoView();
    byId("built-in", HTMLButtonElement).focus({ preventScroll: true });
  });
}

type Draw = (epochs: readonly TrainEpoch[]) => Promise<unknown>;

/**
 * What a press of the button does. Its result is the message at the end; `keep` gets the pair, and null until it is
 * there.
 */
function createTraining(
  evaluate: Workers["evaluate"],
  draw: Draw,
  keep: (pair: Pair | null) => void,
): (job: Job) => Promise<string> {
  return async ({ signal, report }) => {
    const epochs = wholeNumberIn("epochs", "Epochs");
    const hidden = Number(byId("hidden", HTMLSelectElement).value);
    let drawn = 0;
    const request = { data: await chosenData("train-data"), hidden, epochs };
    // Only now: what is refused costs no pair.
    keep(null);
    const trained = await evaluate.call("train", request, {
      signal,
      onProgress({ done, total, epochs: soFar }) {
        report({ share: done / total, text: soFar.length === 0 ? "The first epoch …" : described(soFar.at(-1)!) });
        if (soFar.length === drawn || signal.aborted) return;
        drawn = soFar.length;
        draw(soFar).catch(() => undefined);
      },
    });
    await draw(trained.epochs);
    keep([
      { name: "trained-a.safetensors", blob: trained.a },
      { name: "trained-b.safetensors", blob: trained.b },
    ]);
    return described(trained.epochs.at(-1)!);
  };
}

function described({ epoch, accuracyA, accuracyB, naiveBarrier, alignedBarrier }: TrainEpoch): string {
  const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
  return `Epoch ${epoch}: A ${percent(accuracyA)}, B ${percent(accuracyB)} right; barrier ${naiveBarrier.toFixed(3)} as they are, ${alignedBarrier.toFixed(3)} aligned.`;
}
