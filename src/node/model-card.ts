/** The README.md of a folder with a model: how it was made, in the form of Hugging Face's model cards. */

import { basename } from "node:path";
import type { Model } from "../base/model.ts";
import { VERSION } from "../base/version.ts";
import type { TensorSetting } from "../plan/settings.ts";
import { HUB_PREFIX } from "./hub-cache.ts";

/** What a card describes. */
export interface CardFacts {
  /** The command that makes such models: `merge`. */
  readonly command: string;
  /** Where the models that it was made from were. */
  readonly inputs: readonly string[];
  readonly output: string;
  /** How each tensor was blended; a table of them where they differ. */
  readonly settings?: readonly TensorSetting[] | undefined;
}

/**
 * The card's text: the same for the same facts and metadata, without times. Its head names what the model was made
 * from as the hub does (https://huggingface.co/docs/hub/model-cards).
 */
export function modelCard(
  { command, inputs, output, settings = [] }: CardFacts,
  model: Pick<Model, "metadata">,
): string {
  const names = inputs.map(cardName);
  const made = [...model.metadata].filter(([key]) => key.startsWith("rebasin."));
  const bases = inputs.filter((path) => path.startsWith(HUB_PREFIX)).map(cardName);
  return [
    "---",
    ...(bases.length === 0 ? [] : ["base_model:", ...bases.map((name) => `- ${yamlText(name)}`)]),
    "tags:",
    ...(command === "convert" ? [] : ["- merge"]),
    "- rebasin",
    "---",
    "",
    `# ${plain(basename(output))}`,
    "",
    `\`rebasin ${command}\` made this model from ${names.map((name) => `\`${plain(name)}\``).join(", ")} (rebasin ${VERSION}).`,
    ...(made.length === 0 ? [] : ["", "| entry | value |", "|---|---|", ...made.map(tableRow)]),
    ...settingsTable(settings),
    "",
  ].join("\n");
}

/** A model of the hub by its name there, others by their file's: folders above it stay private. */
function cardName(path: string): string {
  if (path.startsWith(HUB_PREFIX)) return path.slice(HUB_PREFIX.length).split("@")[0]!;
  return path === "-" ? "stdin" : basename(path);
}

const tableRow = ([key, value]: readonly [string, string]): string => `| \`${plain(key)}\` | \`${plain(value)}\` |`;

/** More rows are folded. */
const MOST_ROWS = 20;

/** A column for each setting that is not the same for all tensors; nothing where none is. */
function settingsTable(all: readonly TensorSetting[]): string[] {
  const rows = all.map(({ tensor, settings }) => ({ tensor, values: new Map(Object.entries(settings)) }));
  const keys = [...new Set(rows.flatMap(({ values }) => [...values.keys()]))];
  const differing = keys.filter((key) => new Set(rows.map(({ values }) => JSON.stringify(values.get(key)))).size > 1);
  if (differing.length === 0) return [];
  const table = [
    `| tensor | ${differing.map(plain).join(" | ")} |`,
    `|---|${differing.map(() => "---|").join("")}`,
    ...rows.map(({ tensor, values }) => {
      const cells = differing.map((key) => settingText(values.get(key)));
      return `| \`${plain(tensor)}\` | ${cells.join(" | ")} |`;
    }),
  ];
  const heading = `Settings of ${rows.length} tensors`;
  if (rows.length <= MOST_ROWS) return ["", heading, "", ...table];
  return ["", "<details>", `<summary>${heading}</summary>`, "", ...table, "", "</details>"];
}

function settingText(value: unknown): string {
  if (value === undefined) return "";
  if (Array.isArray(value)) return value.map(settingText).join(", ");
  return typeof value === "number" ? String(Number(value.toPrecision(6))) : plain(String(value));
}

/** Text that cannot end the markup around it. */
const plain = (text: string): string => text.replaceAll(/[\p{Cc}`|\\]/gu, " ");

/** A string of YAML, which takes those of JSON. */
const yamlText = (text: string): string => (/^[\w./-]+$/.test(text) ? text : JSON.stringify(text));
