/** What was done to make models fit each other, in words. */

import { listFirst } from "../base/compare-tensors.ts";
import { DTYPES } from "../base/dtype.ts";
import type { Model } from "../base/model.ts";
import { type BridgePlan, finalDtype } from "./bridge-plan.ts";
import type { BridgeNote, BridgeOptions } from "./bridge-types.ts";
import { equalBytes } from "./spare-tensors.ts";

/** Names in full, of each kind. */
const SHOWN = 4;

/** All but what only reading shows. */
export function bridgeNotes(plan: BridgePlan, options: BridgeOptions): BridgeNote[] {
  return [...nameNotes(plan), ...dtypeNotes(plan, options), ...keptNotes(plan)];
}

/** Models by their place: "A", "B", "C". */
const letter = (at: number): string => String.fromCharCode(65 + (at % 26));

function nameNotes({ pairings }: BridgePlan): BridgeNote[] {
  return pairings.flatMap(({ removed, otherForm, pairs }, i) => {
    const parts = removed.flatMap((text, side) =>
      text === "" ? [] : [`${JSON.stringify(text)} in names of ${letter(side === 0 ? 0 : i + 1)}`],
    );
    const texts = parts.length === 0 ? [] : [`${parts.join(" and ")} passed over`];
    const [own, other] = [...pairs][0] ?? [];
    if (otherForm) texts.push(`names of ${letter(i + 1)} are of another form, ${other} is ${own}`);
    return texts.length === 0 ? [] : [{ kind: "names" as const, text: texts.join("; "), tensors: [...pairs.keys()] }];
  });
}

function dtypeNotes({ models, pairings, courses }: BridgePlan, options: BridgeOptions): BridgeNote[] {
  const groups = new Map<string, string[]>();
  for (const [name, course] of courses) {
    if (course.kind !== "shared") continue;
    const info = models[0]!.tensors.get(name)!;
    const dtypes = [info.dtype, ...pairings.map(({ pairs }, i) => models[i + 1]!.tensors.get(pairs.get(name)!)!.dtype)];
    const final = finalDtype(info, options);
    if (dtypes.every((dtype) => dtype === final)) continue;
    const found = [...new Set(dtypes)].map(
      (dtype) => `${dtype} in ${dtypes.flatMap((other, at) => (other === dtype ? [letter(at)] : [])).join(", ")}`,
    );
    const text = `${found.join(" and ")}, computed in ${course.working}, written as ${final}`;
    const named = groups.get(text);
    if (named === undefined) groups.set(text, [name]);
    else named.push(name);
  }
  return [...groups].map(([text, tensors]) => ({ kind: "dtype", text: `${counted(tensors.length)} ${text}`, tensors }));
}

function keptNotes({ courses, extras }: BridgePlan): BridgeNote[] {
  const of = (kind: string): string[] => [...courses].flatMap(([name, course]) => (course.kind === kind ? [name] : []));
  const notes: BridgeNote[] = [];
  const add = (kind: "kept" | "kept-a", from: string, tensors: string[]): void => {
    if (tensors.length > 0) notes.push({ kind, text: `kept from ${from}: ${listFirst(tensors, SHOWN)}`, tensors });
  };
  add("kept-a", "A, as was asked", of("kept-a"));
  add("kept", "A", of("kept"));
  for (const model of new Set([...extras.values()].map((extra) => extra.model)))
    add(
      "kept",
      letter(model),
      [...extras].flatMap(([name, extra]) => (extra.model === model ? [name] : [])),
    );
  return notes;
}

/** Which tensors of whole numbers differ: they are not blended. Reads them. */
export async function differingIntegers(
  { courses }: BridgePlan,
  views: readonly Model[],
  signal: AbortSignal | undefined,
): Promise<BridgeNote[]> {
  const [a, ...others] = views as [Model, ...Model[]];
  const tensors: string[] = [];
  for (const [name, { kind }] of courses) {
    const isWhole = ["integer", "bool"].includes(DTYPES[a.tensors.get(name)!.dtype].kind);
    if (kind !== "shared" || !isWhole) continue;
    const bytes = Uint8Array.from(await a.read(name, signal));
    for (const b of others) {
      if (equalBytes(bytes, await b.read(name, signal))) continue;
      tensors.push(name);
      break;
    }
  }
  if (tensors.length === 0) return [];
  const text = `whole numbers that differ are not blended: ${listFirst(tensors, SHOWN)}`;
  return [{ kind: "integers", text, tensors }];
}

const counted = (count: number): string => `${count} tensor${count === 1 ? "" : "s"}`;
