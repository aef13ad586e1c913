/** The families of networks whose specs are known, and detection by tensor names and shapes. */

import type { Spec } from "../axes/types.ts";
import { SpecError } from "../base/errors.ts";
import type { Model } from "../base/model.ts";
import type { Tensors } from "./modules.ts";
import { type DetectOptions, type Told, toldOf } from "./options.ts";

/** A kind of network. */
export interface Family {
  readonly name: string;
  /** Its code, loaded when a model is first asked for it: the three here are part of the core, others come as chunks. */
  readonly load: () => Promise<FamilyCode> | FamilyCode;
}

/** What a family's code gives. */
export interface FamilyCode {
  /**
   * The spec of a model of this family: `family`, `why`, `basis`, `assumptions` and `frozen` are set. Throws
   * `SpecError` with the reason when it is none.
   */
  readonly spec: (tensors: Tensors, told: Told) => Spec;
}

/** The name of a family: one of those known here, or of a later version. */
export type FamilyName = "mlp" | "resnet" | "vgg" | (string & {});

/** What the families known here share is one piece of code. */
const known = (): Promise<typeof import("./known-families.ts")> => import("./known-families.ts");

/** Every family: dense chains, residual networks, chains of convolutions. No model fits two. */
export const FAMILIES: readonly Family[] = (["mlp", "resnet", "vgg"] as const).map((name) => ({
  name,
  load: async () => ({ spec: (await known())[`${name}Spec`] }),
}));

/** What detection looks at: a model, of which nothing is read. */
export interface Detectable extends Pick<Model, "beside"> {
  readonly tensors: Tensors;
  /** `rebasin.norm-groups`, where `initialiseModel` made the model, has the value of `normGroups`. */
  readonly metadata?: ReadonlyMap<string, string> | undefined;
}

/**
 * Finds the family of a model from its tensors' names and shapes. The spec's `basis` shows what it rests on; its
 * `assumptions` list what no file can prove. Networks that names and shapes do not identify are refused; `options`
 * gives what is not known.
 *
 * @throws {SpecError} when no family matches, naming what is not known and how to give it.
 * @throws {TypeError} for an unknown option.
 * @throws {RangeError} for `normGroups` that is no positive integer and an unknown `assume`.
 *
 * @example
 * const spec = await detectSpec(model);
 * spec.why; // "3 dense tensors in a chain 784-256-256-10, PyTorch layout"
 */
export async function detectSpec(model: Detectable, options: DetectOptions = {}): Promise<Spec> {
  if (isStub(model.tensors))
    throw new SpecError(
      `all ${model.tensors.size} tensors of the model are empty, expected weights (a stub, as ZeRO-3 and FSDP save without gathering?)`,
    );
  const told = toldOf(options, model.metadata);
  const byTable = looksLayered(model.tensors) ? await (await import("./table-spec.ts")).tableSpec(model, told) : null;
  if (byTable !== null) return byTable;
  const { likelyFamily } = await known();
  const { spec } = await FAMILIES.find(({ name }) => name === likelyFamily(model.tensors, told))!.load();
  try {
    return spec(model.tensors, told);
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    const reason = error.message.replace(/^model /, "it ");
    throw new SpecError(`model is of no known family: ${withWayOn(reason)}`, { cause: error });
  }
}

/** Every refusal ends with what to do next. */
function withWayOn(reason: string): string {
  return /--[onp]/.test(reason)
    ? reason
    : `${reason}; or pass its ONNX export (--graph), or a spec file (inspect --spec-out writes one to fill in)`;
}

/** Words that a name of every family of tables has: others need not wait for them. */
const TABLE_WORDS = /attn|attention|(?:weight|kernel)_[ih]h_l|lstm|gru|rnn|bidirectional|block|features\.\d+\.\d/i;

function looksLayered(tensors: Tensors): boolean {
  for (const name of tensors.keys()) if (TABLE_WORDS.test(name)) return true;
  return false;
}

const isStub = (tensors: Tensors): boolean =>
  tensors.size > 0 && [...tensors.values()].every(({ shape }) => shape.includes(0));

/**
 * The spec of a model that is known to be of family `name`.
 *
 * @throws {SpecError} when the model is of another family, or `name` is unknown.
 * @throws {TypeError} for an unknown option.
 * @throws {RangeError} for `normGroups` that is no positive integer and an unknown `assume`.
 *
 * @example
 * const spec = await familySpec("mlp", model);
 */
export async function familySpec(name: FamilyName, model: Detectable, options: DetectOptions = {}): Promise<Spec> {
  const family = FAMILIES.find((each) => each.name === name);
  const told = toldOf(options, model.metadata);
  if (family === undefined) {
    const others = FAMILIES.map((each) => each.name);
    const byTable = await (await import("./table-spec.ts")).tableSpec(model, told, { name, others });
    if (byTable !== null) return byTable;
    throw new SpecError(`family ${JSON.stringify(name)} is unknown, expected one of ${others.join(", ")}`);
  }
  const { spec } = await family.load();
  return spec(model.tensors, told);
}
