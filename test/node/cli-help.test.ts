/** Help pages and mistyped words. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { merge } from "../../src/cli/commands/merge.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { commandHelp, mainHelp } from "../../src/cli/help.ts";
import { runLine } from "../../src/cli/run-line.ts";
import { nearest } from "../../src/cli/suggest.ts";

const test = suite("help");
const MERGE = COMMANDS.find(({ name }) => name === "merge")!;

test("no line is wider than the terminal, and no word is lost", async () => {
  const loaded = await Promise.all(COMMANDS.map(async (entry) => [entry, await entry.load()] as const));
  for (const width of [40, 60, 80, 110]) {
    const pages = loaded.map(([entry, command]) => commandHelp(entry, command, { width, all: true }));
    for (const page of [mainHelp(COMMANDS, width), ...pages]) {
      for (const line of page.split("\n"))
        assert.ok(line.length <= width || !line.trim().includes(" "), `${width}: ${line}`);
    }
    for (const [name, { help }] of Object.entries(merge.options)) {
      const page = commandHelp(MERGE, merge, { width, all: true }).replaceAll(/\s+/g, " ");
      assert.ok(page.includes(`--${name}`) && page.includes(help), `${width}: ${name}`);
    }
  }
});

test("options stand in groups, each once", () => {
  const page = commandHelp(MERGE, merge, { width: 80, all: true });
  const headings = [...page.matchAll(/^(\S.*):$/gm)].map(([, heading]) => heading);
  assert.equal(headings, ["Options", "Output", "Input", "Matching", "Blending", "With images", "Repair", "Examples"]);
  assert.is(page.split("\n").filter((line) => /^ {2}.{4}--lambda /.test(line)).length, 1);
});

test("commands with many options show the common ones, and how to see all", async () => {
  for (const entry of COMMANDS) {
    const command = await entry.load();
    const all = Object.keys(command.options);
    const [short, long] = [
      commandHelp(entry, command, { width: 80 }),
      commandHelp(entry, command, { width: 80, all: true }),
    ];
    const { common } = command;
    assert.is(common !== undefined, all.length > 40, `${entry.name} has ${all.length} options`);
    if (common === undefined) assert.is(short, long);
    else {
      for (const name of common)
        assert.ok(all.includes(name) && short.includes(`--${name}`), `${entry.name} --${name}`);
      assert.ok(short.split("\n").length < 90, `${entry.name}: ${short.split("\n").length} lines`);
      const left = long.match(/^ {2}.{4}--/gm)!.length - short.match(/^ {2}.{4}--/gm)!.length;
      assert.match(short, `${left} more options: rebasin ${entry.name} --help --all`);
    }
  }
});

test("help COMMAND is COMMAND --help, also with --all, which nothing else knows", async () => {
  const ways = {
    signal: new AbortController().signal,
    onProgress: () => undefined,
    say: () => undefined,
    nextOfStdin: undefined,
  };
  const [one, other] = [
    await runLine(["help", "merge"], ways as never),
    await runLine(["merge", "--help"], ways as never),
  ];
  assert.equal(one, other);
  const long = await runLine(["help", "merge", "--all"], ways as never);
  assert.equal(long, await runLine(["merge", "--all", "--help"], ways as never));
  assert.ok((long as { stdout: string }).stdout.includes("--restarts"));
  assert.not.ok((one as { stdout: string }).stdout.includes("--restarts"));
  const stray = await runLine(["merge", "--all"], ways as never);
  assert.is(stray.code, 2);
});

test("the word that was meant", () => {
  const known = Object.keys(merge.options);
  for (const [word, want] of [
    ["lamda", "lambda"],
    ["labmda", "lambda"],
    ["sed", "seed"],
    ["permutation", "permutations"],
    ["ouput", "output"],
    ["keepa", "keep-a"],
    ["xyzzy", undefined],
    ["q", undefined],
  ] as const)
    assert.is(nearest(word, known), want, word);
});

test.run();
