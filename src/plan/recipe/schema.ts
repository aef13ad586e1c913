/** The JSON Schema of recipes, made of the table that they are checked by: editors complete and check by it. */

import { PLAN_FIELDS, STRATEGIES } from "../plan-fields.ts";
import { type Fields, type Shape, settingRules } from "../shape.ts";

type Schema = Readonly<Record<string, unknown>>;

const TEXT: Schema = { type: "string", minLength: 1 };

/**
 * The schema (draft 2020-12) of one document of a recipe. A key that is for some values of another is accepted beside
 * all: the checker refuses it by its line.
 */
export function recipeSchema(): Schema {
  const { format, models, base, data, output, blend, align, ...rest } = PLAN_FIELDS;
  const word = (shape: Shape): Schema => ({ anyOf: [TEXT, schemaOf(shape)] });
  const shapes = schemaOf({ kind: "fields", fields: rest });
  const alignments = ["force", ...methods(align!.shape), ...STRATEGIES];
  const item = (models!.shape as Extract<Shape, { kind: "list" }>).item;
  const native: Schema = {
    ...shapes,
    required: ["models"],
    properties: {
      format: described(format!.about, schemaOf(format!.shape)),
      name: described("what other documents of the recipe call the result", TEXT),
      models: described(models!.about, { type: "array", minItems: 1, items: word(item) }),
      base: described(base!.about, word(base!.shape)),
      data: described(data!.about, word(data!.shape)),
      align: described(align!.about, { anyOf: [{ enum: [false, true, ...alignments] }, schemaOf(align!.shape)] }),
      blend: described(blend!.about, { anyOf: [{ enum: methods(blend!.shape) }, schemaOf(blend!.shape)] }),
      ...(shapes.properties as Schema),
      output: described(output!.about, word(output!.shape)),
    },
  };
  const mergekit = { description: "a configuration file of mergekit", type: "object", required: ["merge_method"] };
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "rebasin recipe",
    if: { required: ["merge_method"] },
    // biome-ignore lint/suspicious/noThenProperty: JSON Schema's own key
    then: mergekit,
    else: native,
  };
}

/** The values of `method`, which is a separate word. */
function methods(shape: Shape): readonly string[] {
  const { method } = (shape as Extract<Shape, { kind: "fields" }>).fields;
  return (method!.shape as Extract<Shape, { kind: "text" }>).of!;
}

const described = (description: string, schema: Schema): Schema => ({ description, ...schema });

function schemaOf(shape: Shape): Schema {
  switch (shape.kind) {
    case "text":
      if (shape.of !== undefined) return { enum: shape.of };
      return shape.form === "sha256" ? { type: "string", pattern: "^[0-9a-f]{64}$" } : TEXT;
    case "number":
      return numberSchema(shape);
    case "flag":
      return { type: "boolean" };
    case "object":
      return { type: "object" };
    case "list":
      return { type: "array", items: schemaOf(shape.item), minItems: shape.least, maxItems: shape.most };
    case "either":
      return { anyOf: shape.of.map(schemaOf) };
    case "setting": {
      const value = schemaOf(shape.value);
      return { anyOf: [value, { type: "array", items: value, minItems: 1 }, schemaOf(settingRules(shape.value))] };
    }
    case "fields":
      return fieldsSchema(shape.fields);
  }
}

function numberSchema({ min, max, integer }: Extract<Shape, { kind: "number" }>): Schema {
  const isAbove = min === Number.MIN_VALUE;
  return {
    type: integer === true ? "integer" : "number",
    minimum: isAbove ? undefined : min,
    exclusiveMinimum: isAbove ? 0 : undefined,
    maximum: max >= Number.MAX_SAFE_INTEGER ? undefined : max,
  };
}

/** An empty table is a value in a separate format, such as a spec. */
function fieldsSchema(fields: Fields): Schema {
  const entries = Object.entries(fields);
  if (entries.length === 0) return { type: "object" };
  const required = entries.filter(([, field]) => field.required === true).map(([key]) => key);
  return {
    type: "object",
    additionalProperties: false,
    required: required.length === 0 ? undefined : required,
    properties: Object.fromEntries(
      entries.map(([key, { about, shape, fallback }]) => [
        key,
        { ...described(about, schemaOf(shape)), default: fallback },
      ]),
    ),
  };
}
