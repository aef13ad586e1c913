/** The text of an axis, both ways: `P5*49`, `P0|P1`, `G*H/G*V/G`, `H*(64|64|V/H)`. */

import { SpecError } from "../base/errors.ts";
import type { Axis, Factor, PlainFactor, Segment } from "./types.ts";

/** A fixed size that is read from the tensor. */
export const ANY_SIZE = "_";

// What reads as a number (-1, .5) is no name: in other libraries -1 means "any size", here it would be a permutation.
const NAME = /^(?![-.]*[0-9][0-9.]*$)[A-Za-z._-][A-Za-z0-9._-]*$/;
const SIZE = /^(?:0|[1-9][0-9]*)$/;

/** Concatenations inside products inside concatenations: attention needs one level. */
const MAX_DEPTH = 8;

/**
 * True for legal permutation names: ASCII letters, digits, `.`, `_`, `-`, not starting with a digit, not `_`, no
 * number.
 */
export function isPermutationName(text: string): boolean {
  return text !== ANY_SIZE && NAME.test(text);
}

/**
 * Parses the text of an axis. Spaces around `*` and `|` are allowed.
 *
 * @throws {SpecError} for anything else.
 *
 * @example
 * parseAxis("P5*49"); // [["P5", 49]]: channel-major flatten
 * parseAxis("P0|P1"); // [["P0"], ["P1"]]: concatenation
 * parseAxis("H*(64|V/H)"); // in each block of H: 64 units in place, then a block of V
 */
export function parseAxis(text: string): Axis {
  return parseConcat(text, text, 0);
}

function parseConcat(part: string, text: string, depth: number): Axis {
  if (depth > MAX_DEPTH)
    throw new SpecError(`axis ${JSON.stringify(text.slice(0, 60))} is nested deeper than ${MAX_DEPTH}, expected less`);
  return splitOutside(part, "|", text).map(
    (segment): Segment => splitOutside(segment, "*", text).map((factor) => parseFactor(factor.trim(), text, depth)),
  );
}

/** `part` cut at every `mark` that is in no parentheses. */
function splitOutside(part: string, mark: string, text: string): string[] {
  if (!part.includes("(") && !part.includes(")")) return part.split(mark);
  const pieces: string[] = [];
  let open = 0;
  let from = 0;
  for (let at = 0; at < part.length; at++) {
    const character = part[at];
    if (character === "(") open++;
    else if (character === ")" && --open < 0) break;
    else if (character === mark && open === 0) {
      pieces.push(part.slice(from, at));
      from = at + 1;
    }
  }
  if (open !== 0) throw new SpecError(`axis ${JSON.stringify(text)} has parentheses that do not match, expected pairs`);
  return [...pieces, part.slice(from)];
}

function parseFactor(factor: string, text: string, depth: number): Factor {
  if (factor === ANY_SIZE || NAME.test(factor)) return factor;
  const size = SIZE.test(factor) ? Number(factor) : Number.NaN;
  if (Number.isSafeInteger(size)) return size;
  if (factor.startsWith("(") && factor.endsWith(")"))
    return { parts: parseConcat(factor.slice(1, -1), text, depth + 1) };
  const [block, of, more] = factor.split("/");
  if (of !== undefined && more === undefined && isPermutationName(block!) && isPermutationName(of))
    return { block: block!, of };
  const got = factor === "" ? "an empty factor" : `the factor ${JSON.stringify(factor)}`;
  throw new SpecError(
    `axis ${JSON.stringify(text)} has ${got}, expected permutation names, sizes or _ joined by * and |`,
  );
}

/** The canonical text of an axis: `parseAxis(formatAxis(axis))` equals `axis`. */
export function formatAxis(axis: Axis): string {
  return axis.map((segment) => segment.map(formatFactor).join("*")).join("|");
}

function formatFactor(factor: Factor): string {
  return typeof factor === "object" && "parts" in factor ? `(${formatAxis(factor.parts)})` : factorKey(factor);
}

/** The text of a factor without parts, which is also its name in tables of sizes. */
export function factorKey(factor: PlainFactor): string {
  return typeof factor === "object" ? `${factor.block}/${factor.of}` : String(factor);
}

/** The factors of an axis that have no parts, in order. */
export function plainFactors(axis: Axis): PlainFactor[] {
  return axis
    .flat()
    .flatMap((factor) => (typeof factor === "object" && "parts" in factor ? plainFactors(factor.parts) : [factor]));
}

/** The permutations that act on an axis, each once, in order of first appearance. */
export function axisNames(axis: Axis): string[] {
  const names = new Set<string>();
  for (const factor of plainFactors(axis)) {
    if (typeof factor === "object") names.add(factor.block);
    else if (typeof factor === "string" && factor !== ANY_SIZE) names.add(factor);
  }
  return [...names];
}

/** True for an axis that needs `rebasin-spec/2`. */
export function isStructured(axis: Axis): boolean {
  return axis.some((segment) => segment.some((factor) => typeof factor === "object"));
}
