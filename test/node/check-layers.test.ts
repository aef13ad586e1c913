/** scripts/check-layers.mjs on small projects that are wrong in one way each: a check that finds nothing proves nothing. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { checkLayers } from "../../scripts/check-layers.mjs";

const test = suite("check-layers");

const TABLE = `
| files | job | may import |
|---|---|---|
| \`src/base/\` | plain values | – |
| \`src/match/costs/\` | costs | \`base\` |
| \`src/match/\` | matching | \`base match/costs\` |
| \`src/index.ts\` | entry | \`base match\` |
| \`src/node.ts\` | entry | \`base index.ts\` |
| \`src/cli/\` | faces | public names |
| \`app/\` | the page | public names |

| other | table |
|---|---|
`;

const FILES = {
  "CONTRIBUTING.md": TABLE,
  "src/base/errors.ts": "export class FormatError {}\nexport const hidden = 1;\n",
  "src/match/costs/cost.ts": 'import { FormatError } from "../../base/errors.ts";\nexport const cost = FormatError;\n',
  "src/match/match.ts": 'import { cost } from "./costs/cost.ts";\nexport const match = cost;\n',
  "src/index.ts": 'export { FormatError } from "./base/errors.ts";\nexport { match } from "./match/match.ts";\n',
  "src/node.ts": 'import { readFile } from "node:fs";\nexport * from "./index.ts";\nexport { readFile };\n',
  "src/cli/main.ts": 'import { match } from "../match/match.ts";\nimport { help } from "./help.ts";\n',
  "src/cli/help.ts": '// import of a comment: import("../base/errors.ts")\nexport const help = 1;\n',
  "app/main.ts": 'import { match } from "../src/index.ts";\n',
};

function faultsOf(changes: Record<string, string>): string[] {
  const folder = mkdtempSync(join(tmpdir(), "rebasin-layers-"));
  try {
    for (const [file, text] of Object.entries({ ...FILES, ...changes })) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    }
    return checkLayers(folder).faults;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("nothing is wrong with a project that keeps to its table", () => {
  assert.equal(faultsOf({}), []);
});

const WRONG: readonly (readonly [what: string, file: string, text: string, fault: RegExp])[] = [
  ["a file without a row", "src/loose/x.ts", "", /^src\/loose\/x\.ts is in no layer/],
  [
    "an import that the row does not list",
    "src/base/up.ts",
    'import { a } from "../match/costs/cost.ts";',
    /^src\/base\/up\.ts imports src\/match\/costs\/cost\.ts/,
  ],
  [
    "an import of a type",
    "src/base/up.ts",
    'import type { A } from "../match/costs/cost.ts";',
    /^src\/base\/up\.ts imports/,
  ],
  [
    "an import on demand",
    "src/base/up.ts",
    'const a = await import("../match/costs/cost.ts");',
    /^src\/base\/up\.ts imports/,
  ],
  ["a type in place", "src/base/up.ts", 'let a: import("../match/costs/cost.ts").A;', /^src\/base\/up\.ts imports/],
  [
    "something exported again",
    "src/base/up.ts",
    'export * from "../match/costs/cost.ts";',
    /^src\/base\/up\.ts imports/,
  ],
  [
    "an inner folder that imports the outer one",
    "src/match/costs/x.ts",
    'import { match } from "../match.ts";',
    /^src\/match\/costs\/x\.ts imports src\/match\/match\.ts/,
  ],
  [
    "a circle",
    "src/base/errors.ts",
    'import "./b.ts";\nexport const FormatError = 1;',
    /^src\/base\/b\.ts, src\/base\/errors\.ts import each other/,
  ],
  [
    "a node: module for browsers",
    "src/base/fs.ts",
    'import { readFileSync } from "node:fs";',
    /^src\/base\/fs\.ts imports node:fs and is reachable from src\/index\.ts/,
  ],
  [
    "a hidden name in cli",
    "src/cli/main.ts",
    'import { hidden } from "../base/errors.ts";',
    /^src\/cli\/main\.ts imports hidden of src\/base\/errors\.ts/,
  ],
  [
    "a hidden name in cli, on demand",
    "src/cli/main.ts",
    'const { hidden } = await import("../base/errors.ts");',
    /imports hidden of/,
  ],
  [
    "a name of nothing in cli",
    "src/cli/main.ts",
    'const all = await import("../base/errors.ts");',
    /names not said one by one/,
  ],
  [
    "a hidden name by way of its file in app",
    "app/main.ts",
    'import { match } from "../src/match/match.ts";',
    /^app\/main\.ts imports src\/match\/match\.ts, expected an entry file/,
  ],
  [
    "a row that lists one below it",
    "CONTRIBUTING.md",
    TABLE.replace("| – |", "| `match` |"),
    /^CONTRIBUTING\.md: src\/base\/ may import match/,
  ],
];

for (const [what, file, text, fault] of WRONG) {
  test(`refuses ${what}`, () => {
    const more = what === "a circle" ? { "src/base/b.ts": 'import "./errors.ts";' } : {};
    const reach = what.includes("node:")
      ? { "src/base/errors.ts": 'import "./fs.ts";\nexport class FormatError {}' }
      : {};
    const faults = faultsOf({ ...more, ...reach, [file]: text });
    assert.is(faults.length > 0, true, "no fault");
    assert.match(faults.join("\n"), new RegExp(fault.source, "m"));
  });
}

test.run();
