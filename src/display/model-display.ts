/** A model at a glance: its family, its tensors, its permutation groups, its bytes. */

import { axisTexts } from "../axes/axis-texts.ts";
import { resolveSpec } from "../axes/resolve-spec.ts";
import { log10Symmetries } from "../axes/symmetries.ts";
import type { ResolvedSpec } from "../axes/types.ts";
import { DTYPES } from "../base/dtype.ts";
import { SpecError } from "../base/errors.ts";
import { elementCount, type Model, type TensorInfo } from "../base/model.ts";
import { checkInteger, checkOptions } from "../base/options.ts";
import { chooseSpec, type SpecChoice } from "../plan/rebasin.ts";
import { textTable } from "../report/text-table.ts";
import { createDisplay, type Display } from "./display.ts";
import { drawTable, EDGE, firstRows, LINE, picture, textAt, widthOf } from "./drawing.ts";
import { visibleText } from "./visible-text.ts";

/** Options of `displayModel`. */
export interface ModelDisplayOptions {
  /** `"auto"` detects the family; else a family's name, a spec, or a parsed spec file. Default "auto". */
  readonly spec?: SpecChoice | undefined;
  /** Tensors and permutation groups shown, each. Default 60. */
  readonly rows?: number | undefined;
}

const TENSORS = { header: ["tensor", "dtype", "shape", "axes", "bytes"], numbers: new Set([4]) };
const GROUPS = { header: ["permutation", "size", "tensors"], numbers: new Set([1, 2]) };

/**
 * What a model is, for a notebook: family, tensors with the permutations on their axes, permutation groups, bytes. Only
 * names and shapes are looked at. A model of no known family is shown without permutations and with the reason.
 *
 * @throws {SpecError} when a spec other than "auto" does not fit.
 * @throws {TypeError} for unknown options.
 * @throws {RangeError} for `rows` that is no integer from 1.
 *
 * @example
 * const model = await openModel(bytes);
 * await displayModel(model); // as the last line of a notebook cell
 */
export async function displayModel(
  model: Pick<Model, "name" | "tensors">,
  options: ModelDisplayOptions = {},
): Promise<Display> {
  checkOptions("displayModel", options, { spec: "any", rows: "number" });
  const { spec: which = "auto", rows: most = 60 } = options;
  checkInteger("rows", most, 1);
  const { resolved, family } = await resolve(model, which);
  const name = visibleText(model.name, 80);
  const tensors = tensorRows(model, resolved);
  const summary = `${count(tensors.length, "tensor")}, ${totals(model)}`;
  const groups = (resolved?.permutations ?? []).map(({ name: group, size, tensors: names }) => [
    visibleText(group),
    String(size),
    String(names.length),
  ]);
  const symmetries =
    groups.length === 0 || resolved === null
      ? ""
      : `10^${log10Symmetries(resolved).toFixed(1)} numberings of the units compute the same`;
  const parts: Parts = {
    name,
    family,
    summary,
    symmetries,
    tensors: firstRows(tensors, most),
    groups: firstRows(groups, most),
  };
  return createDisplay(draw(parts), words(parts));
}

interface Rows {
  readonly shown: readonly (readonly string[])[];
  readonly more: string;
}

interface Parts {
  readonly name: string;
  readonly family: string;
  readonly summary: string;
  readonly symmetries: string;
  readonly tensors: Rows;
  readonly groups: Rows;
}

/** The spec fitted to the model, or why there is none. */
async function resolve(
  model: Pick<Model, "name" | "tensors">,
  which: SpecChoice,
): Promise<{ resolved: ResolvedSpec | null; family: string }> {
  try {
    const spec = await chooseSpec(which, model);
    const resolved = resolveSpec(spec, model.tensors);
    const why = spec.why === undefined ? "" : `: ${visibleText(spec.why, 120)}`;
    return { resolved, family: `${spec.family ?? "custom spec"}${why}` };
  } catch (error) {
    if (!(error instanceof SpecError) || which !== "auto") throw error;
    return { resolved: null, family: `none: ${visibleText(error.message, 120)}` };
  }
}

function tensorRows({ tensors }: Pick<Model, "tensors">, resolved: ResolvedSpec | null): string[][] {
  return [...tensors].map(([name, { dtype, shape }], at) => {
    const axes = resolved === null ? shape.map(String) : axisTexts(resolved, at);
    const bytes = bytesOf({ dtype, shape });
    return [
      visibleText(name),
      dtype,
      visibleText(`[${shape.join(", ")}]`),
      visibleText(`[${axes.join(", ")}]`),
      bytes.toLocaleString("en-US"),
    ];
  });
}

const bytesOf = ({ dtype, shape }: TensorInfo): number => Math.ceil((elementCount(shape) * DTYPES[dtype].bits) / 8);

const count = (n: number, what: string): string => `${n.toLocaleString("en-US")} ${what}${n === 1 ? "" : "s"}`;

function totals({ tensors }: Pick<Model, "tensors">): string {
  let [elements, bytes] = [0, 0];
  for (const info of tensors.values()) {
    elements += elementCount(info.shape);
    bytes += bytesOf(info);
  }
  const dtypes = [...new Set([...tensors.values()].map(({ dtype }) => dtype))].join(", ");
  return `${count(elements, "number")} (${dtypes || "none"}), ${count(bytes, "byte")}`;
}

function words({ name, family, summary, symmetries, tensors, groups }: Parts): string {
  const lines = [`model   ${name}`, `family  ${family}`, `holds   ${summary}`, ""];
  lines.push(textTable(TENSORS.header, tensors.shown), tensors.more);
  if (groups.shown.length > 0) lines.push("", textTable(GROUPS.header, groups.shown), groups.more, symmetries);
  return lines
    .filter((line, at) => line !== "" || at === 3 || lines[at + 1] !== undefined)
    .join("\n")
    .replaceAll(/\n{3,}/g, "\n\n")
    .trimEnd();
}

function draw({ name, family, summary, symmetries, tensors, groups }: Parts): string {
  const children = [
    textAt(EDGE, 30, "title", name),
    textAt(EDGE, 52, "caption", family),
    textAt(EDGE, 70, "caption", summary),
  ];
  let right = EDGE + Math.max(widthOf(name, 17), widthOf(family, 12), widthOf(summary, 12));
  let y = 82;
  const place = (cells: typeof TENSORS, rows: Rows): void => {
    const drawn = drawTable({ ...cells, rows: rows.shown }, y);
    children.push(...drawn.children);
    right = Math.max(right, drawn.right);
    y = drawn.bottom;
    if (rows.more === "") return;
    children.push(textAt(EDGE, y + LINE - 5, "caption", rows.more));
    y += LINE;
  };
  place(TENSORS, tensors);
  y += 12;
  if (groups.shown.length > 0) {
    place(GROUPS, groups);
    children.push(textAt(EDGE, y + LINE, "caption", symmetries));
    right = Math.max(right, EDGE + widthOf(symmetries, 12));
    y += LINE + 8;
  }
  return picture(Math.ceil(right) + EDGE, y + 4, `model ${name}: ${family}; ${summary}`, children);
}
