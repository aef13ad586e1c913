/** Files dropped on the page. */

import type { NamedBlob } from "./calls.ts";
import { modelsDropped } from "./chosen-files.ts";
import type { Slot } from "./found-box.ts";

/**
 * Files and folders may be dropped anywhere; on a zone, one model is for that zone. `fail` gets what cannot be read.
 */
export function takeDrops(
  take: (models: readonly NamedBlob[], slot: Slot | null) => Promise<void>,
  fail: (error: Error) => void,
): void {
  const zoneOf = (target: EventTarget | null): HTMLElement | null =>
    target instanceof Element ? target.closest<HTMLElement>(".zone") : null;
  const mark = (zone: HTMLElement | null): void => {
    for (const each of document.querySelectorAll(".zone")) each.classList.toggle("over", each === zone);
  };
  addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    mark(zoneOf(event.target));
  });
  addEventListener("dragleave", (event) => event.relatedTarget === null && mark(null));
  addEventListener("drop", (event) => {
    const transfer = event.dataTransfer;
    mark(null);
    // Other inputs take their own files.
    const own = event.target instanceof HTMLInputElement && zoneOf(event.target) === null;
    if (transfer === null || transfer.files.length === 0 || own) return;
    event.preventDefault();
    const slot = zoneOf(event.target)?.getAttribute("for")?.slice(-1) as Slot | undefined;
    void modelsDropped(transfer).then((models) => take(models, slot ?? null), fail);
  });
}
