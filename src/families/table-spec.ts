/** Detection by tables: names that some table knows, and the configuration beside the model. */

import type { Spec } from "../axes/types.ts";
import { SpecError } from "../base/errors.ts";
import { findKeyFault } from "../base/json-keys.ts";
import type { Model } from "../base/model.ts";
import type { Tensors } from "./modules.ts";
import type { Told } from "./options.ts";

/** A model of which nothing but a configuration is read. */
export interface Configured extends Pick<Model, "beside"> {
  readonly tensors: Tensors;
}

/** Objects in objects of a configuration: parts of a model have their own. */
const MAX_CONFIG_DEPTH = 32;

/**
 * The spec of a model whose names a table has signs of, null when none has. `wanted`: the name of the only table to
 * try, beside those of other families; throws `SpecError` when there is none.
 */
export async function tableSpec(
  model: Configured,
  told: Told,
  wanted?: { readonly name: string; readonly others: readonly string[] },
): Promise<Spec | null> {
  if (told.isChain && wanted === undefined) return null;
  const tables = await import("./tables/tables.ts");
  const { TABLES, createCheckpoint, hasSigns, specByTable } = tables;
  tables.refuseQuantised(model.tensors);
  const names = [...model.tensors.keys()];
  const known = TABLES.filter(({ name }) => wanted === undefined || name === wanted.name);
  // A family may have a table for each way of naming.
  const table = known.find((each) => hasSigns(each, names)) ?? (wanted === undefined ? undefined : known[0]);
  if (table === undefined && wanted !== undefined)
    throw unknownFamily(wanted.name, [...wanted.others, ...TABLES.map(({ name }) => name)]);
  if (table === undefined) {
    tables.refuseWhole(TABLES, names);
    return null;
  }
  if (!hasSigns(table, names))
    throw new SpecError(`model lacks ${table.signs.join(" or ")}, expected the names of ${table.name}`);
  return specByTable(table, createCheckpoint(model.tensors, told, told.config ?? (await readConfig(model))));
}

/** The name of the table whose signs a model's names have. */
export async function tableName(tensors: Tensors): Promise<string | undefined> {
  const { TABLES, hasSigns } = await import("./tables/tables.ts");
  const names = [...tensors.keys()];
  return TABLES.find((table) => hasSigns(table, names))?.name;
}

function unknownFamily(name: string, known: readonly string[]): SpecError {
  return new SpecError(`family ${JSON.stringify(name)} is unknown, expected one of ${known.join(", ")}`);
}

/** The object of the `config.json` beside the model; null when there is none. */
async function readConfig(model: Configured): Promise<object | null> {
  const bytes = await model.beside?.("config.json");
  if (bytes === undefined) return null;
  const text = new TextDecoder().decode(bytes);
  const fault = findKeyFault(text, MAX_CONFIG_DEPTH);
  if (fault?.tooDeep !== undefined)
    throw new SpecError(`config.json is nested ${fault.tooDeep} deep, expected at most ${MAX_CONFIG_DEPTH}`);
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch (error) {
    throw new SpecError(`config.json beside the model is not JSON (${(error as Error).message}), expected an object`);
  }
  if (typeof config !== "object" || config === null || Array.isArray(config))
    throw new SpecError("config.json beside the model holds no object, expected one");
  return config;
}
