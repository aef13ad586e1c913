/**
 * Markup as text: the inside of an element, and whole SVG files; the same characters for any document that made the
 * elements.
 */

import { visible } from "../base/visible.ts";

const ELEMENT = 1;
const TEXT = 3;

/** Attributes whose numbers are pixels: a hundredth is more than any screen shows. */
const GEOMETRY = new Set([
  "d",
  "transform",
  "x",
  "y",
  "x1",
  "x2",
  "y1",
  "y2",
  "cx",
  "cy",
  "r",
  "width",
  "height",
  "points",
]);

const shorten = (numbers: string): string =>
  numbers.replaceAll(/-?\d+\.\d{3,}(?:e-?\d+)?/g, (text) => String(Math.round(100 * Number(text)) / 100));

/**
 * The text of an SVG file: elements in order, attributes by name. XML names its characters may not hold are left
 * out.
 */
export function svgText(root: Element): string {
  return `${write(root, ' xmlns="http://www.w3.org/2000/svg"')}\n`;
}

function write(node: Node, extra = ""): string {
  if (node.nodeType === TEXT) return escapeMarkup(legal(node.nodeValue ?? ""));
  if (node.nodeType !== ELEMENT) return "";
  const element = node as Element;
  const attributes = [...element.attributes]
    .filter(({ name }) => !name.startsWith("xmlns"))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, value }) => ` ${name}="${escapeMarkup(legal(GEOMETRY.has(name) ? shorten(value) : value))}"`);
  const children = [...element.childNodes].map((child) => write(child)).join("");
  // Names of HTML documents may come in capitals; those of SVG are written as they are.
  const name = element.localName;
  const open = `<${name}${extra}${attributes.join("")}`;
  return children === "" ? `${open}/>` : `${open}>${children}</${name}>`;
}

/** Text in an SVG file: escaped, and without what XML forbids. */
export const textMarkup = (text: string): string => escapeMarkup(legal(text));

/** Without the control characters that XML forbids. */
function legal(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to find
  return text.replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "");
}

/**
 * For element content and quoted attributes, of HTML and of XML. Characters that change what is around them, or that
 * XML does not allow, are made visible; line ends and tabs stay.
 */
export function escapeMarkup(text: string): string {
  const shown = text.replaceAll(/[^\n\t]+/g, visible);
  return shown.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
