/** The schema that editors read is that of the checker's table: `REBASIN_WRITE_SCHEMA=1` writes it, `npm run format` lays it out. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { recipeSchema } from "../../src/plan/recipe/schema.ts";

declare const __ROOT__: string;

const test = suite("schema of recipes");
const FILE = join(__ROOT__, "schema/recipe.schema.json");

test("schema/recipe.schema.json is up to date", () => {
  const text = `${JSON.stringify(recipeSchema())}\n`;
  if (process.env.REBASIN_WRITE_SCHEMA === "1") {
    mkdirSync(join(__ROOT__, "schema"), { recursive: true });
    writeFileSync(FILE, text);
  }
  assert.equal(JSON.parse(readFileSync(FILE, "utf8")), JSON.parse(text));
});

test("it has every key of a plan, with what it means", () => {
  const { else: native } = recipeSchema() as { else: { properties: Record<string, { description: string }> } };
  for (const key of ["models", "base", "align", "blend", "repair", "output", "name"])
    assert.ok(native.properties[key]!.description.length > 5, key);
});

test.run();
