/** What an experiment is: a name, a run, and an outcome that a page and a file of figures are made of. */

import type { ReportSection } from "../../src/report/report-page.ts";
import type { Lab } from "./lab.ts";

export interface Experiment {
  readonly name: string;
  /** Heading of its page. */
  readonly title: string;
  /** One line for the list of experiments. */
  readonly summary: string;
  /** False when it makes its own data. */
  readonly needsData: boolean;
  run(lab: Lab): Promise<Outcome>;
}

export interface Outcome {
  /** One paragraph: what was done. */
  readonly explanation: string;
  /** The sign that the paper claims. */
  readonly claim: string;
  /** Whether it came out, and the numbers that say so. */
  readonly held: boolean;
  readonly finding: string;
  /** How it was set up, for the page's table and the JSON. */
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  /** Everything measured, as JSON. */
  readonly figures: Readonly<Record<string, unknown>>;
  readonly sections: readonly ReportSection[];
}
