/** Step 3: one permutation, as numbers, and the cost matrix it was chosen by. */

import type { Found } from "./calls.ts";
import { createFigure } from "./figure.ts";
import { byId, only } from "./page.ts";
import type { Store } from "./store.ts";
import type { Workers } from "./workers.ts";

/** Both charts of a permutation. */
interface Charts {
  readonly before: string;
  readonly after: string;
}

export function setUpUnits(store: Store, { files, charts }: Workers): void {
  const section = byId("units", HTMLElement);
  const controls = byId("units-controls", HTMLFieldSetElement);
  const choice = byId("permutation", HTMLSelectElement);
  const status = only(section, "[data-status]", HTMLElement);
  const list = byId("order-list", HTMLElement);
  const figure = createFigure("cost-chart");
  const drawn = new Map<string, Charts>();
  let controller = new AbortController();
  const order = (): "before" | "after" =>
    only(section, "input[name=order]:checked", HTMLInputElement).value as "before" | "after";

  const drawFresh = async ({ permutations }: Found, name: string, signal: AbortSignal): Promise<Charts> => {
    const values = await files.call("cost", { permutation: name, permutations }, { signal });
    return charts.call("cost", { ...values, name, width: Math.min(480, figure.width) }, { signal });
  };
  const show = async (): Promise<void> => {
    controller.abort();
    controller = new AbortController();
    const { signal } = controller;
    const { aligned } = store.state;
    const name = choice.value;
    const found = aligned?.permutations.get(name);
    if (aligned === null || found === undefined) return;
    const { moved, size } = aligned.report.permutations[name]!;
    status.classList.remove("wrong");
    status.textContent = `${name}: ${moved} of ${size} units move.`;
    list.textContent = orderText(found);
    try {
      const made = drawn.get(name) ?? (await drawFresh(aligned, name, signal));
      if (signal.aborted || store.state.aligned !== aligned) return;
      drawn.set(name, made);
      figure.show(made[order()]);
      store.charts.set(`Cost matrix of ${name}`, [made.before, made.after]);
    } catch (error) {
      if (signal.aborted) return;
      status.classList.add("wrong");
      status.textContent = (error as Error).message;
    }
  };
  store.watch(["aligned"], ({ aligned }) => {
    controller.abort();
    drawn.clear();
    controls.disabled = aligned === null;
    if (aligned === null) {
      figure.clear();
      status.textContent = "Align first.";
      list.textContent = "Nothing yet.";
      choice.replaceChildren(new Option("–"));
      return;
    }
    choice.replaceChildren(...[...aligned.permutations.keys()].map((name) => new Option(name, name)));
    void show();
  });
  choice.addEventListener("change", () => void show());
  for (const input of section.querySelectorAll("input[name=order]"))
    input.addEventListener("change", () => void show());
}

/** Longer ones are in the file. */
const MOST_SLOTS = 4096;

function orderText(order: Int32Array): string {
  const shown = Array.from(order.subarray(0, MOST_SLOTS), (unit, slot) => `${slot}←${unit}`).join("  ");
  return order.length > MOST_SLOTS ? `${shown}  … and ${order.length - MOST_SLOTS} more` : shown;
}
