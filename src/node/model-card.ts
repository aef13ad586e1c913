/** The README.md of a folder with a model: how it was made, in the form of Hugging Face's model cards. */

import { basename } from "node:path";
import type { Model } from "../base/model.ts";
import { VERSION } from "../base/version.ts";
import { HUB_PREFIX } from "./hub-cache.ts";

/** What a card describes. */
export interface CardFacts {
  /** The command that makes such models: `merge`. */
  readonly command: string;
  /** Where the models that it was made from were. */
  readonly inputs: readonly string[];
  readonly output: string;
}

/**
 * The card's text: the same for the same facts and metadata, without times. Its head names what the model was made
 * from as the hub does (https://huggingface.co/docs/hub/model-cards).
 */
export function modelCard({ command, inputs, output }: CardFacts, model: Pick<Model, "metadata">): string {
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
    "",
  ].join("\n");
}

/** A model of the hub by its name there, others by their file's: folders above it stay private. */
function cardName(path: string): string {
  if (path.startsWith(HUB_PREFIX)) return path.slice(HUB_PREFIX.length).split("@")[0]!;
  return path === "-" ? "stdin" : basename(path);
}

const tableRow = ([key, value]: readonly [string, string]): string => `| \`${plain(key)}\` | \`${plain(value)}\` |`;

/** Text that cannot end the markup around it. */
const plain = (text: string): string => text.replaceAll(/[\p{Cc}`|\\]/gu, " ");

/** A string of YAML, which takes those of JSON. */
const yamlText = (text: string): string => (/^[\w./-]+$/.test(text) ? text : JSON.stringify(text));
