/** Options as data: what may stand beside what is checked, said and shown from one table. */

import { readdirSync, readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Command } from "../../src/cli/command.ts";
import { COMMANDS, type CommandEntry } from "../../src/cli/commands.ts";
import { commandHelp } from "../../src/cli/help.ts";
import { choice, flag, integer, list, number, type Option, type Options, text } from "../../src/cli/option.ts";
import { parseWords } from "../../src/cli/parse.ts";
import { useText } from "../../src/cli/restrictions.ts";

const test = suite("options of commands");

type Rules = Readonly<Record<string, Option>>;
const all: readonly { entry: CommandEntry; command: Command; rules: Rules }[] = await Promise.all(
  COMMANDS.map(async (entry) => {
    const command = await entry.load();
    return { entry, command, rules: { ...command.options } };
  }),
);

/** A value that the rule reads, other than its default. */
function sampleOf({ choices, default: byDefault, read }: Option, name: string): string {
  const tried = choices ?? ["3", "0.5", "0.25", "x.json", "2GB"];
  const found = tried.find((each) => {
    try {
      read(each, name);
      return each !== byDefault;
    } catch {
      return false;
    }
  });
  assert.ok(found !== undefined, name);
  return found!;
}

const words = (name: string, rule: Option, value: string = sampleOf(rule, name)): string[] =>
  rule.value === undefined ? [`--${name}`] : [`--${name}=${value}`];

test("restrictions name options of the same command, and at least one of their values", () => {
  for (const { entry, rules } of all) {
    for (const [name, rule] of Object.entries(rules)) {
      for (const [other, values] of Object.entries({ ...rule.for, ...rule.needs })) {
        const found = other in (rule.for ?? {}) ? rules[other] : rule;
        assert.ok(rules[other] !== undefined && found !== undefined, `${entry.name} --${name}: --${other}`);
        if (values === true) continue;
        assert.ok(
          values.some((value) => found!.choices?.includes(value)),
          `${entry.name} --${name}: ${values}`,
        );
      }
      // Several commands share the rule: not each has all of them.
      const { without } = rule;
      assert.ok(without?.some((other) => other in rules) !== false, `${entry.name} --${name}: ${without}`);
    }
  }
});

/** All that the command needs, and what these options need in turn. */
function withNeeds(rules: Rules, given: ReadonlyMap<string, string>): string[] {
  const found = new Map(given);
  for (const [name, rule] of Object.entries(rules))
    if (rule.required === true && !found.has(name)) found.set(name, sampleOf(rule, name));
  for (const [name, value] of found)
    for (const [other, values] of Object.entries(rules[name]?.needs ?? {}))
      if (!found.has(other) && (values === true || values.includes(value)))
        found.set(other, sampleOf(rules[other]!, other));
  return [...found].flatMap(([name, value]) => words(name, rules[name]!, value));
}

test("an option is accepted beside exactly the values that it is for", () => {
  for (const { entry, command, rules } of all) {
    const positionals = command.positionals.map((_, i) => `${i}.safetensors`);
    for (const [name, rule] of Object.entries(rules)) {
      for (const [other, values] of Object.entries(rule.for ?? {})) {
        if (values === true) continue;
        for (const value of rules[other]!.choices!) {
          const given = withNeeds(
            rules,
            new Map([
              [other, value],
              [name, sampleOf(rule, name)],
            ]),
          );
          const run = (): unknown => parseWords(entry.name, command, [...positionals, ...given]);
          const shown = `${entry.name} ${given.join(" ")}`;
          if (values.includes(value)) assert.not.throws(run, shown);
          else assert.throws(run, new RegExp(`^--${name} is .*for --${other} .*expected no --${name}`), shown);
        }
      }
    }
  }
});

test("the help shows for what an option is", () => {
  for (const { entry, command, rules } of all) {
    const page = commandHelp(entry, command, { width: 110, all: true }).replaceAll(/\s+/g, " ");
    for (const [name, rule] of Object.entries(rules))
      if (rule.for !== undefined) assert.ok(page.includes(useText(rule.for, rules)), `${entry.name} --${name}`);
  }
});

test("no restriction is written by hand", () => {
  const folder = "src/cli";
  for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith(".ts"),
  )) {
    if (file === "restrictions.ts") continue;
    const code = readFileSync(`${folder}/${file}`, "utf8");
    assert.not.match(code, /is (not )?for --|(help|value): .*(hybrid|straight-through|least-squares): /, file);
  }
});

interface Values {
  readonly lambda: number;
  readonly count: number | undefined;
  readonly kind: "a" | "b";
  readonly names: readonly string[] | undefined;
  readonly path: string;
  readonly quiet: boolean;
}

const options: Options<Values> = {
  lambda: number({ value: "X", help: "", default: 0.5, min: 0, max: 1 }),
  count: integer({ value: "N", help: "", min: 1, without: ["quiet"] }),
  kind: choice(["a", "b"], { value: "K", help: "", default: "a" }),
  names: list({ value: "NAMES", help: "" }),
  path: text({ value: "FILE", help: "", required: true }),
  quiet: flag({ help: "", for: { kind: ["b"] } }),
};
const command: Command<Values> = {
  positionals: ["A"],
  options,
  examples: [],
  run: async ({ options: { lambda } }) => ({ json: lambda, text: "" }),
};
const parse = (line: string) => {
  const parsed = parseWords("do", command, line.split(" "));
  return typeof parsed === "string" ? undefined : parsed;
};

test("values come by their rule", () => {
  const all = parse("a --path p --lambda 0.25 --count 3 --kind b --names x,y")!;
  assert.equal(all.options, { lambda: 0.25, count: 3, kind: "b", names: ["x", "y"], path: "p", quiet: false });
  const least = parse("a --path p")!;
  assert.equal(least.options, { lambda: 0.5, count: undefined, kind: "a", names: undefined, path: "p", quiet: false });
  assert.equal(
    [...least.texts],
    [
      ["lambda", "0.5"],
      ["kind", "a"],
      ["path", "p"],
    ],
  );
  assert.is(parse("--help --lambda 7"), undefined);
});

test("wrong values and wrong company are refused in one line", () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ["a", /^the command line has no --path, expected --path FILE$/],
    ["a --path p --lambda 1.5", /^--lambda 1\.5, expected a number from 0 to 1$/],
    ["a --path p --lambda=", /^--lambda , expected a number/],
    ["a --path p --lambda NaN", /expected a number/],
    ["a --path p --count 1e99", /^--count 1e99, expected an integer from 1$/],
    ["a --path p --count 1.5", /expected an integer/],
    ["a --path p --kind c", /^--kind c, expected one of a, b$/],
    ["a --path p --quiet", /^--quiet is for --kind b, expected no --quiet with --kind a$/],
    ["a --path p --kind b --quiet --count 2", /^--count and --quiet exclude each other, expected one of them$/],
    ["a b --path p", /^do got 2 arguments, expected 1: A$/],
    ["a --path p --knid b", /^Unknown option '--knid', did you mean --kind\?$/],
  ];
  for (const [line, message] of wrong) assert.throws(() => parse(line), message, line);
});

test.run();
