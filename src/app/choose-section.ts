/** Step 1: two files and a spec, and what is found in them. */

import { FAMILIES } from "../spec/families/families.ts";
import type { ModelSummary, NamedBlob, PairSummary, SpecChoice } from "./calls.ts";
import { announce, byId, formatBytes, make, only } from "./page.ts";
import type { Store } from "./store.ts";
import type { Workers } from "./workers.ts";

const SLOTS = ["a", "b"] as const;
type Slot = (typeof SLOTS)[number];

const BUILT_IN: Readonly<Record<Slot, string>> = {
  a: "fmnist-mlp-small-a.safetensors",
  b: "fmnist-mlp-small-b.safetensors",
};

export interface ChooseSection {
  /** Takes a pair as if it had been dropped. */
  open(a: NamedBlob, b: NamedBlob): void;
}

export function setUpChoose(store: Store, { files: reader }: Workers): ChooseSection {
  const files: Record<Slot, NamedBlob | null> = { a: null, b: null };
  const fault = byId("choose-fault", HTMLElement);
  const spec = byId("spec", HTMLSelectElement);
  const specFile = byId("spec-file", HTMLInputElement);
  for (const { name } of [...FAMILIES].reverse()) spec.options[0]!.after(new Option(`family ${name}`, name));
  let turn = 0;

  const specChoice = async (): Promise<SpecChoice | null> => {
    if (spec.value !== "file") return spec.value;
    const file = specFile.files?.[0];
    return file === undefined ? null : { name: file.name, text: await file.text() };
  };
  /** Looks at what is chosen now; an answer that comes after another choice is for nobody. */
  const prepare = async (): Promise<void> => {
    const mine = ++turn;
    fault.textContent = "";
    store.update({ pair: null });
    const { a, b } = files;
    const choice = await specChoice();
    if (a === null || b === null || choice === null) return;
    try {
      const summary = await reader.call("prepare", { a, b, spec: choice });
      if (mine !== turn) return;
      showSummary(summary);
      store.update({ pair: { a, b, spec: choice, summary } });
      announce(`Found: ${summary.spec}, ${summary.groups.length} permutations.`);
    } catch (error) {
      if (mine === turn) fault.textContent = (error as Error).message;
    }
  };
  const take = async (slot: Slot, file: NamedBlob): Promise<void> => {
    try {
      const summary = await reader.call("inspect", file);
      files[slot] = file;
      showFile(slot, file.name, summary);
    } catch (error) {
      files[slot] = null;
      showFile(slot, file.name, null);
      await prepare();
      fault.textContent = (error as Error).message;
    }
  };
  const open = async (a: NamedBlob, b: NamedBlob): Promise<void> => {
    await Promise.all([take("a", a), take("b", b)]);
    if (files.a !== null && files.b !== null) await prepare();
  };

  const takeOne = async (slot: Slot, file: File): Promise<void> => {
    await take(slot, { name: file.name, blob: file });
    if (files[slot] !== null) await prepare();
  };

  for (const slot of SLOTS) {
    const input = byId(`file-${slot}`, HTMLInputElement);
    input.addEventListener("change", async () => {
      const file = input.files?.[0];
      if (file !== undefined) await takeOne(slot, file);
    });
  }
  spec.addEventListener("change", () => {
    byId("spec-file-label", HTMLElement).hidden = spec.value !== "file";
    void prepare();
  });
  specFile.addEventListener("change", () => void prepare());
  byId("built-in", HTMLButtonElement).addEventListener("click", async () => {
    try {
      const [a, b] = await Promise.all(SLOTS.map((slot) => fetchBuiltIn(BUILT_IN[slot])));
      await open(a!, b!);
    } catch (error) {
      fault.textContent = (error as Error).message;
    }
  });
  takeDrops(async (dropped, slot) => {
    const [first, second] = dropped;
    if (first === undefined) return;
    if (second === undefined) return takeOne(slot ?? (files.a === null ? "a" : "b"), first);
    return open({ name: first.name, blob: first }, { name: second.name, blob: second });
  });
  return { open: (a, b) => void open(a, b) };
}

/** A file that lies beside the page. */
export async function fetchBuiltIn(name: string): Promise<NamedBlob> {
  const response = await fetch(new URL(`data/${name}`, import.meta.url));
  if (!response.ok) throw new Error(`${name} is not beside the page (${response.status}), expected a whole build`);
  return { name, blob: await response.blob() };
}

/** Files may be dropped anywhere; on a zone, one file is for that zone. */
function takeDrops(take: (files: readonly File[], slot: Slot | null) => Promise<void>): void {
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

function showFile(slot: Slot, name: string, summary: ModelSummary | null): void {
  const zone = only(document, `.zone[for="file-${slot}"]`, HTMLElement);
  zone.classList.toggle("full", summary !== null);
  const text = byId(`name-${slot}`, HTMLElement);
  if (summary === null) text.textContent = `${name}: not taken`;
  else {
    const { tensors, elements, bytes, dtypes } = summary;
    const numbers = `${elements.toLocaleString("en")} numbers in ${tensors} tensors, ${dtypes.join(" ")}`;
    text.textContent = `${name}: ${formatBytes(bytes)}, ${numbers}`;
  }
}

/** Rows at most: a large network may have hundreds of permutations. */
const MOST_TENSORS = 8;

function showSummary({ spec, why, groups, log10Symmetries, frozen }: PairSummary): void {
  const rows = groups.map(({ name, size, tensors }) => {
    const more = tensors.length > MOST_TENSORS ? ` and ${tensors.length - MOST_TENSORS} more` : "";
    return make(
      "tr",
      {},
      make("td", {}, name),
      make("td", { class: "number" }, size.toLocaleString("en")),
      make("td", {}, tensors.slice(0, MOST_TENSORS).join(", ") + more),
    );
  });
  const head = make(
    "tr",
    {},
    make("th", { scope: "col" }, "permutation"),
    make("th", { scope: "col", class: "number" }, "units"),
    make("th", { scope: "col" }, "tensors it renumbers"),
  );
  byId("summary", HTMLElement).replaceChildren(
    make("p", {}, make("b", {}, spec), why === "" ? "" : `: ${why}`),
    make("p", { class: "hint" }, `10^${log10Symmetries.toFixed(0)} numberings of the hidden units compute the same.`),
    ...frozen.map((text) => make("p", { class: "hint" }, `Frozen: ${text}`)),
    make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows)),
  );
}
