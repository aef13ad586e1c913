/** Files dropped on the page. */

import type { Slot } from "./found-box.ts";

/** Files may be dropped anywhere; on a zone, one file is for that zone. */
export function takeDrops(take: (files: readonly File[], slot: Slot | null) => Promise<void>): void {
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
    const files = [...(event.dataTransfer?.files ?? [])];
    mark(null);
    // Other inputs take their own files.
    const own = event.target instanceof HTMLInputElement && zoneOf(event.target) === null;
    if (files.length === 0 || own) return;
    event.preventDefault();
    const slot = zoneOf(event.target)?.getAttribute("for")?.slice(-1) as Slot | undefined;
    void take(files, slot ?? null);
  });
}
