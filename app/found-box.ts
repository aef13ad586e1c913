/**
 * The box of step 1, about the two files: what was found in them, what is wrong with them, or what is still to be
 * chosen. Its text scrolls inside the box, so that nothing below it moves.
 */

import type { PairDifferences, PairSummary } from "./calls.ts";
import { byId, counted, make } from "./page.ts";

export const SLOTS = ["a", "b"] as const;
export type Slot = (typeof SLOTS)[number];

export interface FoundBox {
  /** The text before anything is chosen. */
  clear(): void;
  /** What is wrong, if anything is, and what is to be done. */
  say(faults: readonly string[], hint: string): void;
  /** Shown with all that follows, until it is empty again. */
  aside: string;
  showSummary(summary: PairSummary): void;
  showDifferences(names: Readonly<Record<Slot, string>>, found: PairDifferences): void;
}

export function createFoundBox(): FoundBox {
  const box = byId("summary", HTMLElement);
  const fault = byId("choose-fault", HTMLElement);
  const first = [...box.children].filter((child) => child !== fault);
  const fill = (wrong: string, ...content: readonly Node[]): void => {
    fault.textContent = wrong;
    // The fault stays in the page: screen readers speak what comes into an alert, not always one that is put in.
    for (const child of [...box.children]) if (child !== fault) child.remove();
    box.append(...(made.aside === "" ? [] : [make("p", {}, made.aside)]), ...content);
    box.scrollTop = 0;
  };
  const made: FoundBox = {
    aside: "",
    clear: () => fill("", ...first),
    say: (faults, hint) => fill(faults.join(" "), make("p", { class: "hint" }, hint)),
    showSummary: (summary) => fill("", ...summaryOf(summary)),
    showDifferences: ({ a, b }, differences) =>
      fill(`${a} and ${b} do not hold the same tensors.`, ...differencesOf(differences)),
  };
  return made;
}

function tableOf(header: readonly string[], rows: readonly (readonly string[])[]): HTMLElement {
  const heads = header.map((text) => make("th", { scope: "col" }, text));
  const lines = rows.map((row) => make("tr", {}, ...row.map((text) => make("td", {}, text))));
  return make("table", {}, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...lines));
}

/** Sizes of a chain in full at most; the table has every one. */
const MOST_SIZES = 12;

/** Lists of sizes ("784-256-…") by their ends, where they are long. */
function shortened(text: string): string {
  return text.replace(/\d+(?:-\d+)+/g, (list) => {
    const sizes = list.split("-");
    return sizes.length > MOST_SIZES ? [...sizes.slice(0, 5), "…", ...sizes.slice(-3)].join("-") : list;
  });
}

/** Tensors of one permutation at most: a large network may have hundreds. */
const MOST_TENSORS = 8;

function summaryOf({ spec, why, groups, log10Symmetries, frozen }: PairSummary): HTMLElement[] {
  const rows = groups.map(({ name, size, tensors }) => {
    const more = tensors.length > MOST_TENSORS ? ` and ${tensors.length - MOST_TENSORS} more` : "";
    // In one column: three are too narrow for names on a phone.
    return [`${name}: ${size.toLocaleString("en")} units`, tensors.slice(0, MOST_TENSORS).join(", ") + more];
  });
  return [
    make("p", {}, make("b", {}, spec), why === "" ? "" : `: ${shortened(why)}`),
    make("p", { class: "hint" }, `10^${log10Symmetries.toFixed(0)} numberings of the hidden units compute the same.`),
    ...frozen.map((text) => make("p", { class: "hint" }, `Frozen: ${text}`)),
    tableOf(["permutation", "tensors it renumbers"], rows),
  ];
}

function differencesOf({ differences, count, tensorsA, tensorsB }: PairDifferences): HTMLElement[] {
  const all = `${counted(count, "tensor")} differ${count === 1 ? "s" : ""}, of ${tensorsA} in A and ${tensorsB} in B.`;
  const more = count - differences.length;
  return [
    make("p", { class: "hint" }, `${all} Choose another A or another B.`),
    tableOf(
      ["tensor", "in A", "in B"],
      differences.map(({ tensor, a, b }) => [tensor, a ?? "none", b ?? "none"]),
    ),
    ...(more > 0 ? [make("p", { class: "hint" }, `And ${more} more.`)] : []),
  ];
}
