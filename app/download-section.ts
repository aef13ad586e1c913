/** Step 5: the merge at λ, the permutations and the report, as files. */

import type { Blend } from "../src/index.ts";
import type { MergeProgress } from "./calls.ts";
import { chosenData } from "./data-choice.ts";
import { planOfForm } from "./form-plan.ts";
import { createJobRunner, type Job } from "./job.ts";
import { byId, formatBytes, saveBlob } from "./page.ts";
import type { OpenPair, Store } from "./store.ts";
import type { Workers } from "./workers.ts";

/** Larger merges are written straight into a file of the user's choice, where the browser lets pages do that. */
const DIRECT_BYTES = 2 ** 28;

const BUTTONS = ["save-merged", "save-permutations", "save-report", "save-plan"] as const;

type Button = HTMLButtonElement;
type Buttons = [Button, Button, Button, Button];

type Picker = (options: object) => Promise<FileSystemFileHandle>;

export function setUpDownload(store: Store, { files, charts, evaluate }: Workers): void {
  const section = byId("download", HTMLElement);
  const controls = byId("download-controls", HTMLFieldSetElement);
  const slider = byId("lambda", HTMLInputElement);
  const [merged, permutations, report, plan] = BUTTONS.map((id) => byId(id, HTMLButtonElement)) as Buttons;
  let busy = false;
  const enable = (): void => {
    const off = busy || store.state.aligned === null;
    for (const control of [controls, merged, permutations, report, plan]) control.disabled = off;
  };
  const runner = createJobRunner(section, (now) => {
    busy = now;
    enable();
  });
  slider.addEventListener("input", () => store.update({ lambda: slider.valueAsNumber }));
  store.watch(["lambda"], ({ lambda }) => {
    byId("lambda-value", HTMLOutputElement).value = String(lambda);
  });
  store.watch(["aligned"], ({ aligned }) => {
    runner.cancel();
    enable();
    runner.say(aligned === null ? "Align first." : "Ready: four files, made here.");
  });
  merged.addEventListener("click", () =>
    runner.run("Merging", (job) =>
      byId("repair", HTMLSelectElement).value === "none"
        ? saveMerged(store, files, job)
        : saveRepaired(store, evaluate, job),
    ),
  );
  permutations.addEventListener("click", () =>
    runner.run("Writing the permutations", () => savePermutations(store, files)),
  );
  plan.addEventListener("click", () => runner.run("Writing the plan", () => savePlan(store)));
  report.addEventListener("click", () => runner.run("Writing the report", () => saveReport(store, charts)));
}

// What presses of the three buttons do. The results are what is said at the end.

async function saveMerged({ state }: Store, files: Workers["files"], { signal, report }: Job): Promise<string> {
  const { lambda, aligned } = state;
  const blend = byId("blend", HTMLSelectElement).value as Blend;
  const { format, ending } = state.pair!.summary.output;
  const name = `merged-${lambda}${ending}`;
  const target = await chooseTarget(state.pair!, name);
  const plan = planOfForm(state.pair!, aligned!.report, { lambda, blend, output: name });
  const request = { found: aligned!, plan, format, target: target ?? undefined };
  const { blob, notes } = await files.call("merge", request, {
    signal,
    onProgress: (progress) => report({ share: progress.done / progress.total, text: writingText(progress) }),
  });
  const said = notes.map((note) => ` Note: ${note}.`).join("");
  if (blob === null) return `Wrote ${target!.name}.${said}`;
  saveBlob(blob, name);
  return `Saved ${name}, ${formatBytes(blob.size)}.${said}`;
}

function writingText({ done, total, inMemory }: MergeProgress): string {
  const where = inMemory === undefined ? "" : `, into ${formatBytes(inMemory)} of memory: this page has no file to use`;
  return `Wrote tensor ${done} of ${total}${where}`;
}

async function saveRepaired({ state }: Store, evaluate: Workers["evaluate"], { signal, report }: Job): Promise<string> {
  const { lambda, aligned, pair } = state;
  const { a, b, spec } = pair!;
  const blend = byId("blend", HTMLSelectElement).value as Blend;
  const { format, ending } = pair!.summary.output;
  const data = await chosenData("data");
  const name = `merged-${lambda}-repaired${ending}`;
  const form = { lambda, blend, output: name };
  const request = { a, b, spec, bound: aligned!.spec, found: aligned!, form, format, data };
  const { blob, notes, fitted, measured, before, after } = await evaluate.call("repair", request, {
    signal,
    onProgress: ({ done, total }) => report({ share: done / total, text: `Repairing: ${done} of ${total} images` }),
  });
  saveBlob(blob, name);
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  return `Saved ${name}, ${formatBytes(blob.size)}. Fitted on the first ${fitted} images; on the other ${measured} it gets ${percent(after)} right, without repair ${percent(before)}.${notes.map((note) => ` Note: ${note}.`).join("")}`;
}

async function savePermutations({ state }: Store, files: Workers["files"]): Promise<string> {
  const { blob } = await files.call("permutations", state.aligned!.permutations);
  saveBlob(blob, "permutations.safetensors");
  return `Saved permutations.safetensors, ${formatBytes(blob.size)}, for rebasin apply.`;
}

/** What `rebasin run` makes of the same files; a merge that is repaired needs images by a path. */
async function savePlan({ state }: Store): Promise<string> {
  const { pair, aligned, lambda } = state;
  const blend = byId("blend", HTMLSelectElement).value as Blend;
  const output = `merged-${lambda}${pair!.summary.output.ending}`;
  const plan = planOfForm(pair!, aligned!.report, { lambda, blend, output });
  saveBlob(new Blob([`${JSON.stringify(plan, null, 2)}\n`], { type: "application/json" }), "plan.json");
  return "Saved plan.json, without repair: rebasin run plan.json makes the merge beside A and B.";
}

async function saveReport({ state, charts: drawn }: Store, charts: Workers["charts"]): Promise<string> {
  const { pair, aligned, lambda } = state;
  const { a, b, summary } = pair!;
  const shown = [...drawn].map(([heading, svgs]) => ({ heading, svgs }));
  const request = { a: a.name, b: b.name, lambda, summary, report: aligned!.report, charts: shown };
  const { blob } = await charts.call("report", request);
  saveBlob(blob, "rebasin-report.html");
  return `Saved rebasin-report.html, with ${shown.length} sections of charts.`;
}

/** A file to write into, or null to make a Blob. Rejects when the user thinks better of it. */
async function chooseTarget({ a }: OpenPair, suggestedName: string): Promise<FileSystemFileHandle | null> {
  const { showSaveFilePicker } = window as { showSaveFilePicker?: Picker };
  if (a.blob.size < DIRECT_BYTES || showSaveFilePicker === undefined) return null;
  return showSaveFilePicker.call(window, { suggestedName });
}
