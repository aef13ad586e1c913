/** `rebasin compare A B` */

import { specName } from "../../axes/spec-name.ts";
import type { Difference } from "../../base/compare-tensors.ts";
import type { Model } from "../../base/model.ts";
import { visible } from "../../base/visible.ts";
import { type Distance, modelDistance } from "../../measure/distance.ts";
import { bridgeModels, compareModels } from "../../perm/bridge-models.ts";
import type { BridgeNote } from "../../perm/bridge-types.ts";
import { textTable } from "../../report/text-table.ts";
import type { Command } from "../command.ts";
import { counted } from "../counted.ts";
import { findSpec } from "../find-spec.ts";
import {
  INPUT_OPTIONS,
  type InputValues,
  PREFIX_OPTIONS,
  type PrefixValues,
  SPEC_OPTIONS,
  type SpecValues,
  withModels,
} from "../models.ts";

/** Exit code when the two cannot be merged. */
const NOT_MERGEABLE = 1;
/** Reasons of a kind that are listed in full. */
const SHOWN = 10;

export const compare: Command<InputValues & PrefixValues & SpecValues> = {
  positionals: ["A", "B"],
  options: { ...SPEC_OPTIONS, ...INPUT_OPTIONS, ...PREFIX_OPTIONS },
  examples: ["rebasin compare a.safetensors b.safetensors", "rebasin compare a.safetensors b.safetensors --json"],
  async run(context) {
    const { positionals, signal, onProgress } = context;
    return withModels(positionals, context, async (a, b) => {
      const { differences: reasons, notes, advice } = await compareModels(a!, b!, { signal });
      if (reasons.length > 0) {
        const text = [
          `not mergeable: ${counted(reasons.length, "difference")}`,
          "",
          ...reasonLines(reasons),
          `to do: ${advice}`,
        ];
        const json = { mergeable: false, reasons, notes, advice };
        return { json, text: text.map(visible).join("\n"), exitCode: NOT_MERGEABLE };
      }
      const { models } = await bridgeModels([a!, b!], { signal });
      const [x, y] = models as [Model, Model];
      const distance = await modelDistance(x, y, { signal, onProgress });
      const { spec, why } = await findSpec(context, x);
      const mergeable = spec !== null;
      return {
        json: { mergeable, reasons, notes, spec: spec === null ? null : specName(spec), why, distance },
        text: [headOf(x.tensors.size, notes, mergeable ? undefined : why), ...distanceLines(distance)].join("\n"),
        exitCode: mergeable ? undefined : NOT_MERGEABLE,
      };
    });
  },
};

const HEADINGS: readonly (readonly [Difference["kind"], string])[] = [
  ["missing", "only in A"],
  ["extra", "only in B"],
  ["shape", "another shape"],
  ["dtype", "another dtype"],
];

/** By kind, the first of each in full, an empty line behind each kind. */
function reasonLines(reasons: readonly Difference[]): string[] {
  return HEADINGS.flatMap(([kind, heading]) => {
    const own = reasons.filter((reason) => reason.kind === kind);
    if (own.length === 0) return [];
    const rows = own.slice(0, SHOWN).map(({ tensor, a, b }) => [`  ${tensor}`, a ?? "", b ?? ""]);
    const more = own.length > SHOWN ? [`  and ${own.length - SHOWN} more`] : [];
    return [...textTable([`${heading} (${own.length})`, "A", "B"], rows).split("\n"), ...more, ""];
  });
}

/** Models of the same tensors still need a spec: `refusal` is why there is none. */
function headOf(tensors: number, notes: readonly BridgeNote[], refusal: string | undefined): string {
  const bridged = notes.map(({ text }) => `  ${visible(text)}`);
  const same = notes.length === 0 ? `the same ${tensors} tensors in both` : "what differs is bridged";
  const head = refusal === undefined ? `mergeable: ${same}` : `not mergeable without a spec: ${same}, but`;
  return [head, ...bridged, ...(refusal === undefined ? [] : [`  ${visible(refusal)}`])].join("\n");
}

function distanceLines({ l2, normA, normB, cosine }: Distance): string[] {
  return [
    "",
    "before matching, over all float tensors:",
    `  distance  ${l2.toPrecision(6)}`,
    `  norms     ${normA.toPrecision(6)} of A, ${normB.toPrecision(6)} of B`,
    `  cosine    ${cosine.toFixed(4)}`,
  ];
}
