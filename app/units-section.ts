/** Step 3: one permutation, as numbers, and the cost matrix it was chosen by. */

import type { Found } from "./calls.ts";
import { createFigure } from "./figure.ts";
import { byId, only } from "./page.ts";
import type { Store } from "./store.ts";
import type { Workers } from "./workers.ts";

export function setUpUnits(store: Store, workers: Workers): void {
  const section = byId("units", HTMLElement);
  const controls = byId("units-controls", HTMLFieldSetElement);
  const choice = byId("permutation", HTMLSelectElement);
  const status = only(section, "[data-status]", HTMLElement);
  const list = byId("order-list", HTMLElement);
  const figure = createCostFigure(store, workers);
  const say = (text: string, wrong = false): void => {
    status.textContent = text;
    status.classList.toggle("wrong", wrong);
  };
  const show = (): void => {
    const { aligned } = store.state;
    const name = choice.value;
    const found = aligned?.permutations.get(name);
    if (aligned === null || found === undefined) return;
    const { moved, size } = aligned.report.permutations[name]!;
    say(`${name}: ${moved} of ${size} units move.`);
    list.textContent = orderText(found);
    figure.show(aligned, name).catch((error: Error) => say(error.message, true));
  };
  store.watch(["aligned"], ({ aligned }) => {
    figure.forget();
    controls.disabled = aligned === null;
    if (aligned === null) {
      figure.clear();
      say("Align first.");
      list.textContent = "Nothing yet.";
      choice.replaceChildren(new Option("–"));
      return;
    }
    choice.replaceChildren(...[...aligned.permutations.keys()].map((name) => new Option(name, name)));
    show();
  });
  choice.addEventListener("change", show);
  for (const input of section.querySelectorAll("input[name=order]")) input.addEventListener("change", show);
}

/** Both charts of a permutation. */
interface Charts {
  readonly before: string;
  readonly after: string;
}

const chosenOrder = (): keyof Charts =>
  only(document, "input[name=order]:checked", HTMLInputElement).value as keyof Charts;

interface CostFigure {
  /**
   * Shows the chart of the chosen order, of two that are drawn once. Rejects if drawing fails and the chart is still
   * wanted.
   */
  show(found: Found, name: string): Promise<void>;
  /** What was drawn is of permutations that are gone, and what is being drawn is not needed. */
  forget(): void;
  clear(): void;
}

function createCostFigure(store: Store, { files, charts }: Workers): CostFigure {
  const figure = createFigure("cost-chart");
  const drawn = new Map<string, Charts>();
  let controller = new AbortController();
  const draw = async ({ permutations }: Found, name: string, signal: AbortSignal): Promise<Charts> => {
    const values = await files.call("cost", { permutation: name, permutations }, { signal });
    return charts.call("cost", { ...values, name, width: Math.min(480, figure.width) }, { signal });
  };
  return {
    async show(found, name) {
      controller.abort();
      controller = new AbortController();
      const { signal } = controller;
      try {
        const made = drawn.get(name) ?? (await draw(found, name, signal));
        if (signal.aborted) return;
        drawn.set(name, made);
        figure.show(made[chosenOrder()]);
        store.charts.set(`Cost matrix of ${name}`, [made.before, made.after]);
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },
    forget() {
      controller.abort();
      drawn.clear();
    },
    clear: figure.clear,
  };
}

/** Longer ones are in the file. */
const MOST_SLOTS = 4096;

function orderText(order: Int32Array): string {
  const shown = Array.from(order.subarray(0, MOST_SLOTS), (unit, slot) => `${slot}←${unit}`).join("  ");
  return order.length > MOST_SLOTS ? `${shown}  … and ${order.length - MOST_SLOTS} more` : shown;
}
