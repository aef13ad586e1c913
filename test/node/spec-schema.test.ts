import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { formatSpec, parseSpec, prettySpec } from "../../src/axes/spec-file.ts";
import { createRng } from "../../src/base/rng.ts";
import { detectSpec } from "../../src/families/detect-spec.ts";
import { Weights } from "../reference/forward/sequences.ts";
import { NETWORKS, SEQUENCES } from "../reference/forward/transformers.ts";
import { toModel } from "../reference/networks.ts";

declare const __ROOT__: string;

const test = suite("schema of specs");
const SCHEMA = JSON.parse(readFileSync(join(__ROOT__, "schema/spec.schema.json"), "utf8"));

type Schema = Record<string, unknown>;

/** The faults of a value, by the keywords that the schema uses. Throws for any other keyword: nothing is passed over. */
function faults(schema: Schema, value: unknown, at = "spec"): string[] {
  const found: string[] = [];
  const is = (type: string): boolean =>
    type === "object"
      ? typeof value === "object" && value !== null && !Array.isArray(value)
      : type === "array"
        ? Array.isArray(value)
        : type === "integer"
          ? Number.isInteger(value)
          : typeof value === type;
  const entries = is("object") ? Object.entries(value as object) : [];
  const known: Record<string, (given: never) => boolean> = {
    type: (type: string) => is(type),
    enum: (list: unknown[]) => list.includes(value),
    required: (keys: string[]) => keys.every((key) => entries.some(([own]) => own === key)),
    minimum: (least: number) => (value as number) >= least,
    minLength: (least: number) => (value as string).length >= least,
    pattern: (text: string) => new RegExp(text, "u").test(value as string),
    items: (items: Schema) => (value as unknown[]).every((item) => faults(items, item).length === 0),
    propertyNames: (names: Schema) => entries.every(([key]) => faults(names, key).length === 0),
    $ref: (path: string) => faults(SCHEMA.$defs[path.split("/").at(-1)!], value).length === 0,
    properties: (own: Record<string, Schema>) =>
      entries.every(([key, each]) => own[key] === undefined || faults(own[key], each).length === 0),
    additionalProperties: (other: Schema | false) =>
      entries.every(([key, each]) =>
        (schema.properties as Schema | undefined)?.[key] !== undefined
          ? true
          : other !== false && faults(other, each).length === 0,
      ),
  };
  for (const [keyword, given] of Object.entries(schema)) {
    if (["$schema", "$id", "$defs", "title", "description", "default"].includes(keyword)) continue;
    if (known[keyword] === undefined) throw new RangeError(`the test does not know ${keyword}`);
    if (!known[keyword](given as never)) found.push(`${at}: ${keyword}`);
  }
  return found;
}

test("every spec that is written fits the schema", async () => {
  for (const { run, config } of Object.values(NETWORKS)) {
    const weights = new Weights(new Map(), createRng(1));
    run(weights, SEQUENCES[0]!);
    const spec = await detectSpec({ tensors: toModel(weights.tensors).tensors }, { config });
    for (const text of [formatSpec(spec), prettySpec(spec)]) assert.equal(faults(SCHEMA, JSON.parse(text)), []);
    assert.equal(parseSpec(prettySpec(spec)).tensors, spec.tensors);
    assert.equal(parseSpec(prettySpec(spec)).roles, spec.roles);
  }
});

test("what the parser refuses by its form, the schema refuses too", () => {
  const fine = { format: "rebasin-spec/2", tensors: { a: { axes: ["P"] } } };
  assert.equal(faults(SCHEMA, fine), []);
  const broken = [
    { ...fine, format: "rebasin-spec/3" },
    { format: fine.format },
    { ...fine, colour: 1 },
    { ...fine, rest: "free" },
    { ...fine, tensors: { a: {} } },
    { ...fine, tensors: { a: { axes: [1] } } },
    { ...fine, tensors: { a: { axes: ["P"], votes: 1 } } },
    { ...fine, tensors: { a: { axes: ["P"], slice: { of: "E", at: -1, series: "s" } } } },
    { ...fine, tensors: { a: { axes: ["P"], slice: { of: "1", at: 0, series: "s" } } } },
    { ...fine, permutations: { V: { outer: "H" } } },
    { ...fine, permutations: { V: { outer: "H", inner: 0 } } },
    { ...fine, permutations: { "-1": { outer: "H", inner: 2 } } },
    { ...fine, roles: { ffn: ["_"] } },
  ];
  for (const file of broken) {
    assert.throws(() => parseSpec(file), undefined, JSON.stringify(file));
    assert.ok(faults(SCHEMA, file).length > 0, JSON.stringify(file));
  }
});

test.run();
