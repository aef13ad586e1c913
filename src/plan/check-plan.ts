/** Plain JSON → a plan: every key known, every value in range, every default in place. */

import { FormatError } from "../base/errors.ts";
import { findKeyFault } from "../base/json-keys.ts";
import { BLENDS } from "../merge/blends/blends.ts";
import type { AlignMethod, MergePlan, PlanAlign, PlanPart } from "./merge-plan.ts";
import { BY_DATA, PLAN_FIELDS } from "./plan-fields.ts";
import { isSpecPath } from "./plan-paths.ts";
import { checkShape, fault, type KeyPath, keyText, type Locate } from "./shape.ts";

/** How messages name the plan and its keys. */
export interface CheckPlanOptions {
  /** Of its file. Default "plan". */
  readonly name?: string | undefined;
  /** Where a key is, such as `recipe.yaml:12 align.method`. Default: the name and the keys. */
  readonly locate?: Locate | undefined;
}

/**
 * Checks parsed JSON and resolves to the plan with all defaults in place. The given object stays as it is.
 *
 * @throws {FormatError} for unknown or missing keys, values of a wrong type or out of range, and keys that do not go
 * together.
 *
 * @example
 * const plan = checkPlan({
 *   format: "rebasin-plan/1",
 *   models: [{ path: "a.safetensors" }, { path: "b.safetensors" }],
 *   blend: { method: "lerp", lambda: 0.5 },
 *   output: { path: "merged.safetensors" },
 * });
 */
export function checkPlan(value: unknown, options: CheckPlanOptions = {}): MergePlan {
  const { name = "plan" } = options;
  const locate = options.locate ?? ((path: KeyPath) => (path.length === 0 ? name : `${name} ${keyText(path)}`));
  const given = value as Partial<MergePlan> | null;
  const shaped = typeof given === "object" && given !== null ? withMethods(given) : value;
  const checked = checkShape(shaped, { kind: "fields", fields: PLAN_FIELDS }, locate) as MergePlan;
  checkTogether(checked, locate);
  return checked;
}

/** A plan's JSON nests five levels, a spec in it as many; anything far deeper is after the parser's stack. */
const MAX_JSON_DEPTH = 64;

/**
 * Reads a plan from JSON text; `name` is that of its file.
 *
 * @throws {FormatError} for text that is no JSON, a key given twice, and as `checkPlan` does.
 */
export function parsePlan(text: string, name = "plan"): MergePlan {
  const json = text.replace(/^\uFEFF/, "");
  const found = findKeyFault(json, MAX_JSON_DEPTH);
  if (found?.tooDeep !== undefined)
    throw new FormatError(`${name} is nested ${found.tooDeep} deep, expected at most ${MAX_JSON_DEPTH}`);
  if (found?.duplicate !== undefined)
    throw new FormatError(`${name} has the key "${found.duplicate}" twice in one object, expected once`);
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new FormatError(`${name} is not JSON (${(error as Error).message}), expected a plan`);
  }
  return checkPlan(value, { name });
}

/** The method of matching and the blend, where a plan leaves them out, depend on how many models there are. */
function withMethods(given: Partial<MergePlan>): object {
  const { models, base, ...rest } = given;
  // An empty key of a YAML file is null.
  const said: unknown = given.align ?? {};
  const align: unknown = said === "force" ? { force: true } : said;
  if (typeof align !== "object" || align === null || Array.isArray(align)) return given;
  const { strategy, method } = align as PlanAlign;
  const isMany = strategy != null || (Array.isArray(models) && models.length > 2 && base == null && method !== "none");
  const settled: PlanAlign = isMany ? manyAlign(align) : { method: methodOf(align, models, base), ...align };
  return { ...rest, models, base, align: settled };
}

/** Fine-tunes of one base are numbered alike: aligning them is asked for. Those of another base are not. */
function methodOf({ permutations, force }: PlanAlign, models: unknown, base: unknown): AlignMethod {
  if (permutations !== undefined) return "permutations";
  const hasOwn = (model: unknown): boolean => (model as Partial<PlanPart> | null)?.base != null;
  const isMoved = base == null || force === true || (Array.isArray(models) && models.some(hasOwn));
  return isMoved ? "frank-wolfe" : "none";
}

/** Joint matching has no separate method. */
function manyAlign({ strategy = "cycle-consistent", ...align }: PlanAlign): PlanAlign {
  if (strategy === "cycle-consistent") return { strategy, ...align };
  return { strategy, method: strategy === "merge-many" ? "coordinate" : "frank-wolfe", ...align };
}

/** What one key's table cannot express. */
function checkTogether(plan: MergePlan, locate: Locate): void {
  const { align, models, blend, output, base } = plan;
  checkDetection(plan, locate);
  if (blend !== undefined) checkBlend(plan, locate);
  if (align.strategy !== undefined) checkMany(plan, locate);
  if (models.length < 2 && base === undefined) throw fault(locate(["models"]), "has 1 entry", "at least 2");
  if (align.method === "permutations" && align.permutations === undefined)
    throw fault(locate(["align"]), "has no permutations", "permutations: the path of a file of rebasin match");
  if ((align.reference ?? 0) >= models.length)
    throw fault(locate(["align", "reference"]), `is ${align.reference}`, `a model's number, 0 to ${models.length - 1}`);
  checkData(plan, locate);
  const other = models.findIndex((model) => model.base !== undefined);
  if (other >= 0 && base === undefined)
    throw fault(
      locate(["models", other, "base"]),
      "is beside no base",
      "base: the model that differences are added to",
    );
  if (align.force === true && base === undefined)
    throw fault(locate(["align", "force"]), "is for models beside a base", "no force");
  if (blend !== undefined) return;
  const stray = base !== undefined ? "base" : plan.repair !== undefined ? "repair" : undefined;
  if (stray !== undefined) throw fault(locate([stray]), "is for a merge", "blend beside it");
  if (output?.path !== undefined)
    throw fault(
      locate(["output", "path"]),
      `is ${JSON.stringify(output.path)}, where a merge is written`,
      'a blend beside it, such as "lerp", or output.permutations in its place, for the alignment alone',
    );
}

/** What the blend needs, and what goes with it. */
function checkBlend({ blend, models, base, align, repair, output }: MergePlan, locate: Locate): void {
  const { method, lambda, weights } = blend!;
  const rule = BLENDS[method];
  const [least, most] = rule.models;
  if (models.length < least || models.length > most)
    throw fault(
      locate(["blend", "method"]),
      `${method} got ${models.length} models`,
      least === most ? `${least}` : `${least} or more`,
    );
  if (rule.base === "required" && base === undefined)
    throw fault(
      locate(["blend", "method"]),
      `${method} has no base`,
      "base: the model that the others were fine-tuned from",
    );
  if (rule.base === "none" && base !== undefined)
    throw fault(locate(["base"]), `is not for blend ${method}`, "no base: it does not blend differences");
  if (rule.data === true && align.strategy !== undefined)
    throw fault(
      locate(["blend", "method"]),
      `is ${method} with strategy ${align.strategy}`,
      "two models, or method none",
    );
  if (weights !== undefined && weights.length !== models.length)
    throw fault(locate(["blend", "weights"]), `has ${weights.length} numbers`, `${models.length}: one for each model`);
  const isPlain = (lambda === undefined || typeof lambda === "number") && models.every((each) => !each.parameters);
  if (repair !== undefined && !(isPlain && base === undefined && PLAIN.includes(method)))
    throw fault(
      locate(["repair"]),
      `is not for blend ${method}`,
      `${PLAIN.join(", ")} with one setting for all tensors`,
    );
  if (output?.permutations !== undefined && align.strategy === undefined && (base !== undefined || models.length !== 2))
    throw fault(locate(["output", "permutations"]), "is for models that are aligned to each other", "no such key");
}

/** Blends that a repair knows the parents' shares of. */
const PLAIN: readonly string[] = ["lerp", "slerp", "linear"];

/** A spec states what detection would find. */
function checkDetection({ spec, network = {} }: MergePlan, locate: Locate): void {
  if (typeof spec === "string" && !isSpecPath(spec)) return;
  const stray = (["order", "normGroups", "heads", "headDim", "assume"] as const).find(
    (key) => network[key] !== undefined,
  );
  if (stray !== undefined) throw fault(locate(["network", stray]), "is for detection", "no spec beside it");
}

/** Alignments of several models find their own start, and look at no images. */
function checkMany({ align, starts = 1, base, repair }: MergePlan, locate: Locate): void {
  const { strategy, method } = align;
  if (strategy === "cycle-consistent" && method !== undefined)
    throw fault(locate(["align", "method"]), "is for strategy merge-many and tree", "no method");
  const ofPairs = ["restarts", "only", "except", "keepA", "images", "split", "permutations"] as const;
  const stray = ofPairs.find((key) => align[key] !== undefined && align[key] !== 0);
  if (stray !== undefined) throw fault(locate(["align", stray]), "is for two models", `no ${stray} with ${strategy}`);
  if (method !== undefined && method !== "frank-wolfe" && method !== "coordinate")
    throw fault(locate(["align", "method"]), `is ${method}`, "frank-wolfe or coordinate");
  if (base !== undefined) throw fault(locate(["align", "strategy"]), "is for models without a base", "no strategy");
  if (starts > 1) throw fault(locate(["starts"]), "is for two models", `no starts with ${strategy}`);
  if (repair?.kind === "per-task")
    throw fault(locate(["repair", "kind"]), "per-task is for two models", "another kind");
}

/** Methods of which some units can be left out. */
const OF_CHOICE: readonly string[] = ["frank-wolfe", "coordinate", "activations", "hybrid"];

function checkData({ align, starts = 1, data, repair, blend }: MergePlan, locate: Locate): void {
  const { method = "" } = align;
  const chosen = (["only", "except"] as const).find((key) => align[key] !== undefined);
  if (chosen !== undefined && !OF_CHOICE.includes(method))
    throw fault(locate(["align", chosen]), `is for align.method ${OF_CHOICE.join(" or ")}`, `no ${chosen}`);
  if (starts > 1 && method !== "frank-wolfe" && method !== "hybrid")
    throw fault(locate(["starts"]), "is for align.method frank-wolfe or hybrid", `no starts with ${method}`);
  const wants = BY_DATA.includes(method)
    ? `align.method ${method}`
    : starts > 1
      ? `starts ${starts}`
      : repair !== undefined
        ? `repair ${repair.kind}`
        : blend !== undefined && BLENDS[blend.method].data && `blend ${blend.method}`;
  if (typeof wants === "string" && data === undefined)
    throw fault(locate([]), "has no data", `data: images for ${wants}`);
  if (repair?.kind === "per-task" && repair.dataB === undefined)
    throw fault(locate(["repair"]), "has no dataB", "dataB: images of B's task");
  if (align.keepA !== undefined && data !== undefined)
    throw fault(locate(["align", "keepA"]), "is for matching by weights alone", "no data and no repair");
}
