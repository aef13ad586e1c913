/** Deno by both of its registries: `npm:` with the packed tarball, `jsr:` with what `deno publish` sends. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { A, B, checkDigests, consumer, HERE, project, ROOT, run } from "./project.ts";
import { jsrRegistry, npmRegistry } from "./registries.ts";

const test = suite("consumers: Deno");

const deno = join(ROOT, "node_modules/deno/deno");
const manifest = JSON.parse(readFileSync(join(HERE, "node_modules/rebasin/package.json"), "utf8"));

/** Type-checks deno.ts against the registry and runs it with no right but to read the two models. */
async function checkAndRun(folder: string, env: Record<string, string>): Promise<void> {
  const own = { ...env, DENO_DIR: join(folder, "cache"), NO_COLOR: "1" };
  await run(deno, ["check", "deno.ts"], folder, own);
  checkDigests(await run(deno, ["run", "--no-prompt", `--allow-read=${A},${B}`, "deno.ts", A, B], folder, own), 1);
}

const imports = (registry: string): string =>
  JSON.stringify({ imports: { rebasin: registry, "rebasin/kernels": `${registry}/kernels` }, nodeModulesDir: "none" });

consumer(test, "Deno: npm:rebasin", { deno }, async () => {
  const tarball = readdirSync(HERE).find((file) => file.endsWith(".tgz"))!;
  const registry = await npmRegistry(join(HERE, tarball), manifest);
  try {
    const folder = project("deno-npm", ["deno.ts"], { "deno.json": imports(`npm:rebasin@${manifest.version}`) });
    await checkAndRun(folder, { NPM_CONFIG_REGISTRY: registry.url });
  } finally {
    registry.close();
  }
});

consumer(test, "Deno: jsr:@rebasin/rebasin, published", { deno }, async () => {
  const registry = await jsrRegistry();
  try {
    const env = { JSR_URL: registry.url };
    await run(deno, ["publish", "--allow-dirty", "--no-check", "--token", "any"], ROOT, env);
    const published = await (await fetch(`${registry.url}@rebasin/rebasin/${manifest.version}_meta.json`)).json();
    assert.ok("." in published.exports && "/src/index.ts" in published.manifest);
    const specifier = `jsr:@rebasin/rebasin@${manifest.version}`;
    await checkAndRun(project("deno-jsr", ["deno.ts"], { "deno.json": imports(specifier) }), env);
  } finally {
    registry.close();
  }
});

test.run();
