/** Programs that use the installed package without a bundler: Node by `import` and `require`, TypeScript, Bun. */

import { join } from "node:path";
import { suite } from "uvu";
import { A, B, checkDigests, consumer, project, ROOT, run } from "./project.ts";

const test = suite("consumers: programs");

const nodes = join(ROOT, "scripts/runtimes/nodes/node_modules");
const NODES: Readonly<Record<string, string>> = {
  [`Node ${process.versions.node}`]: process.execPath,
  "Node 22": join(nodes, "node22/bin/node"),
  "Node 24": join(nodes, "node24/bin/node"),
};

for (const [name, node] of Object.entries(NODES)) {
  consumer(test, `${name}: import`, { [name]: node }, async () => {
    const folder = project(`import ${name}`, ["files.mjs"]);
    checkDigests(await run(node, ["files.mjs", A, B], folder), 2);
  });
  consumer(test, `${name}: require`, { [name]: node }, async () => {
    const folder = project(`require ${name}`, ["files.cjs"]);
    checkDigests(await run(node, ["files.cjs", A, B], folder), 2);
  });
}

/** As `tsc --init` has it, declarations of packages checked as well. */
const OPTIONS = { target: "es2022", lib: ["es2024", "dom"], strict: true, skipLibCheck: false, types: ["node"] };
const typescript = join(ROOT, "node_modules/typescript/bin/tsc");

for (const [name, resolution] of Object.entries({
  nodenext: { module: "nodenext" },
  bundler: { module: "esnext", moduleResolution: "bundler" },
})) {
  consumer(test, `TypeScript, ${name} resolution: compiled and run`, { typescript }, async () => {
    const typeRoots = [join(ROOT, "node_modules/@types")];
    const config = JSON.stringify({ compilerOptions: { ...OPTIONS, ...resolution, typeRoots }, files: ["typed.ts"] });
    const folder = project(`typescript ${name}`, ["typed.ts"], {
      "tsconfig.json": config,
      "package.json": '{ "type": "module" }',
    });
    await run(process.execPath, [typescript, "-p", "."], folder);
    checkDigests(await run(process.execPath, ["typed.js", A, B], folder), 2);
  });
}

const bun = join(ROOT, "node_modules/bun/bin/bun.exe");
consumer(test, "Bun", { bun }, async () => {
  checkDigests(await run(bun, ["run", "files.mjs", A, B], project("bun", ["files.mjs"])), 2);
});

test.run();
