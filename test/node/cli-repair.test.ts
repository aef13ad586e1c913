/** `merge --repair`, as a user meets it: dist/cli.js in a process of its own. */

import { existsSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { A, B, commandLine } from "../reference/command-line.ts";

const test = suite("repair on the command line");
const cli = commandLine(test, ["train"]);
const { run } = cli;

const merge = (output: string, ...words: string[]) => run("merge", A, B, "-o", output, "--data", "data", ...words);

test("merge --repair writes a plain model and says what was done", async () => {
  const { code, stdout, stderr } = await merge(
    "m.safetensors",
    "--repair",
    "repair",
    "--repair-images",
    "200",
    "--json",
  );
  assert.is(code, 0, stderr);
  const { repair } = JSON.parse(stdout);
  assert.equal([repair.kind, repair.images, repair.unshifted, repair.addedBiases], ["repair", 200, [], []]);
  assert.is(repair.places.length, 2);
  // Averages vary less than what they are averages of.
  for (const { scale } of repair.places) assert.ok(scale[1] > 1, `${scale}`);
  const text = await merge("n.safetensors", "--repair", "rescale", "--repair-images", "100", "--starts", "2");
  assert.is(text.code, 0, text.stderr);
  assert.match(text.stdout, /^repaired {3}rescale, 2 places, 100 images, scales [\d.]+ to [\d.]+$/m);
  assert.match(text.stdout, /^start 2/m);
  const { stdout: compared } = await run("inspect", "n.safetensors");
  assert.match(compared, /mlp/);
});

test("what --repair cannot do is said before anything is written", async () => {
  const refused = async (code: number, message: RegExp, ...words: string[]): Promise<void> => {
    const found = await run("merge", A, B, "-o", "m.safetensors", ...words);
    assert.is(found.code, code, found.stderr);
    assert.match(found.stderr, message);
    assert.not.ok(existsSync(cli.path("m.safetensors")));
  };
  const data = ["--data", "data"];
  await refused(2, /--repair repair has no --data, expected --data DIR/, "--repair", "repair");
  await refused(2, /--add-bias is for --repair, expected no --add-bias/, "--add-bias", ...data);
  await refused(2, /--add-bias is not for --repair rescale/, "--repair", "rescale", "--add-bias", ...data);
  await refused(2, /--repair-at is not for --repair bn-reset/, "--repair", "bn-reset", "--repair-at", "norms", ...data);
  await refused(1, /has no BatchNorm, expected one to reset/, "--repair", "bn-reset", ...data);
  await refused(1, /has nothing to repair|has no/, "--repair", "repair", "--repair-at", "norms", ...data);
});

test.run();
