/** An outcome as one HTML page and one JSON of figures. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { saveText } from "../../src/node/save-text.ts";
import { type ReportSection, reportPage } from "../../src/report/report-page.ts";
import type { Experiment, Outcome } from "./experiment.ts";
import type { Lab } from "./lab.ts";

export interface Written {
  readonly html: string;
  readonly json: string;
}

/** Writes NAME.html and NAME.json into the lab's folder, over those of an earlier run. */
export async function writeOutcome(
  lab: Lab,
  experiment: Experiment,
  outcome: Outcome,
  seconds: number,
): Promise<Written> {
  mkdirSync(lab.out, { recursive: true });
  const { explanation, claim, held, finding, settings, figures } = outcome;
  const [html, json] = ["html", "json"].map((kind) => join(lab.out, `${experiment.name}.${kind}`)) as [string, string];
  const { name, title } = experiment;
  const verdict = held ? "It came out so" : "It did not come out so";
  const intro = [explanation, `What the paper claims: ${claim}`, `${verdict}: ${finding}`];
  const set = { quick: lab.quick, seed: lab.seed, ...settings };
  const sections = [...outcome.sections, settingsSection(set, seconds)];
  await saveText(reportPage(title, sections, intro), html, { force: true });
  const content = { experiment: name, claim, held, finding, settings: set, figures, seconds };
  await saveText(`${JSON.stringify(content, null, 2)}\n`, json, { force: true });
  return { html, json };
}

function settingsSection(settings: Outcome["settings"], seconds: number): ReportSection {
  const rows = Object.entries(settings).map(([name, value]) => [name, String(value)]);
  rows.push(["time", `${seconds.toFixed(1)} s, models trained before left out`]);
  return { heading: "Settings", tables: [{ caption: "How it was run", header: ["setting", "value"], rows }] };
}
