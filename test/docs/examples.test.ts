/** The examples of docstrings: those of all public entries have the right types, and those that can run do. */

import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { transform } from "esbuild";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Example, examplesOf } from "./examples.ts";
import { guideFolder, hasOnnxRuntime } from "./guide.ts";
import { STAGE, stageProgram, stageTypes } from "./stage.ts";
import { typeErrors } from "./types.ts";

declare const __ROOT__: string;

const test = suite("examples");
const SOURCE = join(__ROOT__, "src");
/** In this order a name that several entries have is taken, after the example's own entry: with paths, if possible. */
const ENTRIES: ReadonlyMap<string, string> = new Map(
  [
    "node",
    "index",
    "kernels",
    "data",
    "many",
    "formats",
    "graph",
    "by-data",
    "measure",
    "repair",
    "tf",
    "plan",
    "recipes",
    "jobs",
    "verify",
    "notebook",
    "report",
  ].map((name) => [name === "index" ? "rebasin" : `rebasin/${name}`, `${name}.ts`]),
);

/** Examples that would take long, change what the others stand on, or need files of their own. */
const NOT_RUN = [
  ...["matchStraightThrough", "registerGradients", "applyTaskAffine", "folderFiles", "readRecipe", "readGraph"],
  ...[
    "graphSpec",
    "requireSameFunction",
    "savedRunner",
    "linkedRunner",
    "onnxRunner",
    "verifySpec",
    "openRedisQueue",
    "waitForJob",
    "planHandler",
    "collectResult",
    "openFolderQueue",
    "openQueue",
  ],
];

/** Names of an example, without those in comments, strings and after dots; and those that it declares itself. */
function namesOf(code: string): { used: Set<string>; declared: Set<string> } {
  const bare = code.replaceAll(/\/\/.*$|"[^"\n]*"|'[^'\n]*'/gm, " ");
  const words = (text: string): string[] => text.match(/(?<![.\w])[A-Za-z_]\w*/g) ?? [];
  const patterns = bare.matchAll(/\b(?:const|let)\s+(\w+|\{[^}]*\}|\[[^\]]*\])\s*(?:=|of\b)/g);
  const imports = bare.matchAll(/^import (?:type )?(.*?) from/gm);
  const declared = [...patterns, ...imports].flatMap(([, pattern]) => words(pattern!));
  return { used: new Set(words(bare)), declared: new Set(declared) };
}

/** The example as a program of its own: with imports for what it uses of the package. */
async function programOf({ code, entry }: Example): Promise<{ program: string; free: string[] }> {
  const { used, declared } = namesOf(code);
  const imports = new Map<string, string>();
  for (const place of [entry, ...ENTRIES.keys()]) {
    for (const name of (await exported()).get(place)!)
      if (used.has(name) && !declared.has(name) && !imports.has(name)) imports.set(name, place);
  }
  const lines = [...imports].map(([name, place]) => `import { ${name} } from "${place}";`);
  const free = [...used].filter((name) => STAGE.has(name) && !imports.has(name));
  const missing = free.filter((name) => STAGE.get(name)!.value === undefined && !declared.has(name));
  return { program: [...lines, code].join("\n"), free: missing };
}

let names: Map<string, readonly string[]> | null = null;

/** What the installed entries export, as they say themselves. */
async function exported(): Promise<Map<string, readonly string[]>> {
  if (names !== null) return names;
  await guideFolder("examples");
  const list = `console.log(JSON.stringify(await Promise.all(${JSON.stringify([...ENTRIES.keys()])}.map(async (entry) => [entry, Object.keys(await import(entry))]))));`;
  writeFileSync("exports.mjs", list);
  names = new Map(JSON.parse(execFileSync(process.execPath, ["exports.mjs"], { encoding: "utf8" })));
  return names;
}

const examples = examplesOf(SOURCE, ENTRIES);

test("docstrings have examples", () => {
  assert.ok(examples.length >= 60, `${examples.length} examples`);
  for (const entry of ENTRIES.values()) assert.ok(existsSync(join(SOURCE, entry)), entry);
});

test("examples have the types they should", async () => {
  const programs = new Map([["stage.d.ts", stageTypes()]]);
  for (const example of examples) {
    const file = `${example.where.replaceAll(/[^\w]+/g, "-")}.ts`;
    programs.set(file, (await programOf(example)).program);
  }
  assert.is(typeErrors(join(process.cwd(), "example-types"), programs), "");
});

test("examples run, where files and images are all they need", async () => {
  const folder = await guideFolder("examples");
  const started: string[] = [];
  for (const example of examples) {
    const { program, free } = await programOf(example);
    const isSkipped = NOT_RUN.some((name) => example.where.endsWith(`#${name}`));
    if (program.includes("onnxExecutor") && !hasOnnxRuntime) continue;
    if (free.length > 0 || isSkipped || program.includes("fetch(") || program.includes("https:")) continue;
    const { code } = await transform(program, { loader: "ts", format: "esm", target: "es2022" });
    const file = `example-${started.length}.mjs`;
    // Output files of one example are in the way of another.
    const own = code.replaceAll('"merged.safetensors"', `"merged-${started.length}.safetensors"`);
    writeFileSync(
      join(folder, file),
      own.replaceAll('"data/fashion-mnist"', '"fashion-mnist"').replaceAll('"model.safetensors"', '"a.safetensors"'),
    );
    started.push(example.where);
  }
  assert.ok(started.length >= 40, `${started.length} of ${examples.length} examples`);
  const main = `${stageProgram()}
const where = ${JSON.stringify(started)};
const say = console.log;
console.log = () => {};
for (const [at, name] of where.entries())
  await import(\`./example-\${at}.mjs\`).catch((error) => say(name, error));`;
  writeFileSync(join(folder, "main.mjs"), main);
  const printed = execFileSync(process.execPath, ["main.mjs"], {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"], // examples leave files open, and Node says so there
  });
  assert.is(printed, "");
});

test.run();
