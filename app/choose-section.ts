/** Step 1: two files and a spec, and what is found in them. */

import { FAMILIES } from "../src/index.ts";
import type { ModelSummary, NamedBlob, SpecChoice } from "./calls.ts";
import { modelsAmong } from "./chosen-files.ts";
import { takeDrops } from "./drops.ts";
import { createFoundBox, type FoundBox, SLOTS, type Slot } from "./found-box.ts";
import { announce, byId, formatBytes, only, onRestore } from "./page.ts";
import { NO_FILES, type Store } from "./store.ts";
import type { Workers } from "./workers.ts";

const BUILT_IN: Readonly<Record<Slot, string>> = {
  a: "fmnist-mlp-small-a.safetensors",
  b: "fmnist-mlp-small-b.safetensors",
};
const UNFIT = "These two networks cannot be aligned: step 1 says why.";
const READING = "Reading the two files …";

export interface ChooseSection {
  /** Takes a pair as if it had been dropped. */
  open(a: NamedBlob, b: NamedBlob): void;
}

/** What is chosen now. */
interface Chosen {
  readonly files: Record<Slot, NamedBlob | null>;
  /** Why the file last chosen for a slot was refused. */
  readonly faults: Record<Slot, string>;
  readonly spec: ChosenSpec;
}

export function setUpChoose(store: Store, { files: reader }: Workers): ChooseSection {
  const box = createFoundBox();
  const spec = createSpecChoice(() => void prepare());
  const chosen: Chosen = { files: { a: null, b: null }, faults: { a: "", b: "" }, spec };
  const prepare = createPreparer(store, reader, box, chosen);
  const { open, takeOne } = createTaker(reader, box, chosen, prepare);
  const takeModels = async (models: readonly NamedBlob[], slot: Slot | null): Promise<void> => {
    const [first, second, ...others] = models;
    if (first === undefined) return;
    if (second === undefined) return takeOne(slot ?? (chosen.files.a === null ? "a" : "b"), first);
    const note = others.length === 0 ? "" : `Of ${models.length} files dropped, the first two were taken.`;
    return open(first, second, note);
  };
  for (const slot of SLOTS) {
    const input = byId(`file-${slot}`, HTMLInputElement);
    input.addEventListener("change", async () => {
      await takeModels(modelsAmong([...(input.files ?? [])]), slot);
    });
  }
  byId("built-in", HTMLButtonElement).addEventListener("click", async () => {
    try {
      const [a, b] = await Promise.all(SLOTS.map((slot) => fetchBuiltIn(BUILT_IN[slot])));
      await open(a!, b!);
    } catch (error) {
      box.say([(error as Error).message], "Choose two files instead.");
    }
  });
  takeDrops(takeModels, (error) => box.say([error.message], "Choose two files instead."));
  return { open: (a, b) => void open(a, b) };
}

interface Taker {
  /** Both files at once; `note` is shown with what is found in them. */
  open(a: NamedBlob, b: NamedBlob, note?: string): Promise<void>;
  takeOne(slot: Slot, model: NamedBlob): Promise<void>;
}

/** Looks into files by themselves, and puts them in their slots. */
function createTaker(
  reader: Workers["files"],
  box: FoundBox,
  { files, faults }: Chosen,
  prepare: () => Promise<void>,
): Taker {
  const take = async (slot: Slot, file: NamedBlob): Promise<void> => {
    try {
      const summary = await reader.call("inspect", file);
      [files[slot], faults[slot]] = [file, ""];
      showFile(slot, file.name, summary);
    } catch (error) {
      [files[slot], faults[slot]] = [null, (error as Error).message];
      showFile(slot, file.name, null);
    }
  };
  return {
    async open(a, b, note = "") {
      box.aside = note;
      await Promise.all([take("a", a), take("b", b)]);
      await prepare();
    },
    async takeOne(slot, model) {
      box.aside = "";
      await take(slot, model);
      await prepare();
    },
  };
}

/** Looks at what is chosen, and shows what is found or missing; late answers are ignored. */
function createPreparer(store: Store, reader: Workers["files"], box: FoundBox, chosen: Chosen): () => Promise<void> {
  let turn = 0;
  const wait = (lack: string): void => store.update({ pair: null, lack });
  const lookAt = async (a: NamedBlob, b: NamedBlob, mine: number): Promise<void> => {
    const choice = await chosen.spec.read();
    const found = await reader.call("prepare", { a, b, spec: choice });
    if (mine !== turn) return;
    if ("differences" in found) {
      box.showDifferences({ a: a.name, b: b.name }, found);
      return wait(UNFIT);
    }
    box.showSummary(found);
    store.update({ pair: { a, b, spec: choice, summary: found }, lack: "" });
    announce(`${box.aside} Found: ${found.spec}, ${found.groups.length} permutations.`);
  };
  return async () => {
    const mine = ++turn;
    const lack = askForMissing(box, chosen);
    if (lack !== null) return wait(lack);
    box.say([], READING);
    wait(READING);
    try {
      await lookAt(chosen.files.a!, chosen.files.b!, mine);
    } catch (error) {
      if (mine !== turn) return;
      box.say([(error as Error).message], "Choose other files, or another spec.");
      wait(UNFIT);
    }
  };
}

/**
 * Asks for what is still to be chosen, and returns the texts of the other steps meanwhile; null when everything is
 * there.
 */
function askForMissing(box: FoundBox, { files, faults, spec }: Chosen): string | null {
  const missing = SLOTS.filter((slot) => files[slot] === null).map((slot) => `checkpoint ${slot.toUpperCase()}`);
  if (missing.length > 0) {
    const refused = SLOTS.map((slot) => faults[slot]).filter((text) => text !== "");
    if (refused.length === 0 && missing.length === SLOTS.length) box.clear();
    else box.say(refused, `Still to be chosen: ${missing.join(" and ")}.`);
    return NO_FILES;
  }
  if (spec.isChosen()) return null;
  box.say([], "Choose the spec file, or another spec.");
  return "Choose the spec file in step 1 first.";
}

interface ChosenSpec {
  /** Not while a spec file is asked for and none is there. */
  isChosen(): boolean;
  /** Rejects when the file cannot be read. */
  read(): Promise<SpecChoice>;
}

function createSpecChoice(onChange: () => void): ChosenSpec {
  const choice = byId("spec", HTMLSelectElement);
  const input = byId("spec-file", HTMLInputElement);
  for (const { name } of [...FAMILIES].reverse()) choice.options[0]!.after(new Option(`family ${name}`, name));
  const showInput = (): void => {
    byId("spec-file-label", HTMLElement).hidden = choice.value !== "file";
  };
  choice.addEventListener("change", () => {
    showInput();
    onChange();
  });
  onRestore(showInput);
  input.addEventListener("change", onChange);
  return {
    isChosen: () => choice.value !== "file" || input.files?.[0] !== undefined,
    async read() {
      if (choice.value !== "file") return choice.value;
      const file = input.files![0]!;
      return { name: file.name, text: await file.text() };
    },
  };
}

/** A file beside the page. */
export async function fetchBuiltIn(name: string): Promise<NamedBlob> {
  const response = await fetch(new URL(`data/${name}`, import.meta.url));
  if (!response.ok) throw new Error(`${name} is not beside the page (${response.status}), expected a whole build`);
  return { name, blob: await response.blob() };
}

function showFile(slot: Slot, name: string, summary: ModelSummary | null): void {
  const zone = only(document, `.zone[for="file-${slot}"]`, HTMLElement);
  zone.classList.toggle("full", summary !== null);
  const text = byId(`name-${slot}`, HTMLElement);
  if (summary === null) text.textContent = `${name}: not taken`;
  else {
    const { format, tensors, elements, bytes, dtypes } = summary;
    const numbers = `${elements.toLocaleString("en")} numbers in ${tensors} tensors, ${dtypes.join(" ")}`;
    const what = format === "safetensors" ? "" : `${format}, `;
    text.textContent = `${name}: ${what}${formatBytes(bytes)}, ${numbers}`;
  }
}
