/** An outcome as one HTML page and one JSON of figures. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { saveText } from "../../src/node/file-sink.ts";
import { type ReportSection, reportPage } from "../../src/report/report-page.ts";
import type { Experiment, Outcome } from "./experiment.ts";
import type { Lab } from "./lab.ts";

export interface Written {
  readonly html: string;
  readonly json: string;
}

/** On a busy machine a run takes longer than its work. */
export interface Time {
  readonly seconds: number;
  readonly processorSeconds: number;
}

/** Writes NAME.html and NAME.json into the lab's folder, over those of an earlier run. */
export async function writeOutcome(lab: Lab, experiment: Experiment, outcome: Outcome, time: Time): Promise<Written> {
  mkdirSync(lab.out, { recursive: true });
  const { explanation, claim, held, finding, settings, figures } = outcome;
  const [html, json] = ["html", "json"].map((kind) => join(lab.out, `${experiment.name}.${kind}`)) as [string, string];
  const { name, title } = experiment;
  const verdict = held ? "It came out so" : "It did not come out so";
  const intro = [explanation, `What the paper claims: ${claim}`, `${verdict}: ${finding}`];
  const set = { quick: lab.quick, seed: lab.seed, ...settings };
  const sections = [...outcome.sections, settingsSection(set, time)];
  await saveText(reportPage(title, sections, intro), html, { force: true });
  const content = { experiment: name, claim, held, finding, settings: set, figures, ...time };
  await saveText(`${JSON.stringify(content, null, 2)}\n`, json, { force: true });
  return { html, json };
}

function settingsSection(settings: Outcome["settings"], time: Time): ReportSection {
  const rows = Object.entries(settings).map(([name, value]) => [name, String(value)]);
  rows.push([
    "time",
    `${time.seconds.toFixed(1)} s, of processor ${time.processorSeconds.toFixed(1)} s (models that an earlier run trained are taken from its folder)`,
  ]);
  return { heading: "Settings", tables: [{ caption: "How it was run", header: ["setting", "value"], rows }] };
}
