/** Plans as text that is the same for the same plan: for the metadata of what they make, and for digests. */

import { sha256Hex } from "../base/sha256.ts";
import { VERSION } from "../base/version.ts";
import type { MergePlan, PlanData, PlanModel } from "./merge-plan.ts";
import { BY_DATA } from "./plan-fields.ts";
import { endingOf, isSpecPath } from "./plan-paths.ts";

/**
 * JSON with sorted keys and no white space; keys whose value is undefined are left out.
 *
 * @example
 * canonicalJson({ b: 1, a: [true] }); // '{"a":[true],"b":1}'
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join()}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value).filter(([, own]) => own !== undefined);
  // By UTF-16 units, as RFC 8785 sorts.
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, own]) => `${JSON.stringify(key)}:${canonicalJson(own)}`).join()}}`;
}

/** What replaces a file in a plan without paths. */
type Named = (path: string) => string | undefined;

/**
 * The plan's canonical JSON without paths and file names: how a model was made, wherever its files were. What leaves
 * the merged model as it is has no part in it: side files of tasks, and images that nothing looks at.
 */
export function planText(given: MergePlan): string {
  const repair = given.repair?.kind === "per-task" ? undefined : given.repair;
  const looks = BY_DATA.includes(given.align.method ?? "") || (given.starts ?? 1) > 1 || repair !== undefined;
  const plan = { ...given, repair, data: looks ? given.data : undefined };
  const { spec } = plan;
  const named = typeof spec !== "string" || isSpecPath(spec) ? "given" : spec;
  return canonicalJson({ ...withoutPaths(plan, () => undefined), spec: named });
}

/**
 * SHA-256 of all that decides the result: the plan, the version of this package, and the files by `digests`, from the
 * paths of `planInputs` to their SHA-256. Two plans with the same digest make the same bytes.
 *
 * @throws {RangeError} where a digest is missing.
 */
export async function planDigest(plan: MergePlan, digests: ReadonlyMap<string, string>): Promise<string> {
  const named: Named = (path) => {
    const digest = digests.get(path);
    if (digest === undefined) throw new RangeError(`${path} has no digest, expected one for each of planInputs(plan)`);
    return digest;
  };
  const { path = "", permutations: _, ...written } = plan.output ?? {};
  // Without another word, the ending decides the format.
  const output = { ...written, ending: endingOf(path) };
  const text = canonicalJson({ version: VERSION, plan: { ...withoutPaths(plan, named), output } });
  return sha256Hex(new TextEncoder().encode(text));
}

function withoutPaths(plan: MergePlan, named: Named): object {
  const { models, base, spec, data, align, repair, output, ...rest } = plan;
  const ofModel = ({ path, sha256: _, ...own }: PlanModel): object => ({ ...own, file: named(path) });
  const ofData = ({ path, ...own }: PlanData): object => ({ ...own, file: named(path) });
  return {
    ...rest,
    models: models.map(({ base: own, ...model }) => ({ ...ofModel(model), base: own && ofModel(own) })),
    base: base && ofModel(base),
    spec: typeof spec === "string" && isSpecPath(spec) ? named(spec) : spec,
    data: data && ofData(data),
    align: { ...align, permutations: align.permutations && named(align.permutations) },
    repair: repair && { ...repair, dataB: repair.dataB && ofData(repair.dataB) },
    // The dtype decides values; the rest is where and in what they are kept.
    output: output?.dtype === undefined ? undefined : { dtype: output.dtype },
  };
}
