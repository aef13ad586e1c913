// The licences of what is bundled into dist/ from other packages: their terms ask for them beside every copy.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

// Not from build.mjs, which awaits this module while it is being evaluated itself: the two would wait for each other.
const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Folders of packages that esbuild's metafiles name, such as `node_modules/fflate`, sorted. */
function bundledPackages(metafiles) {
  const folders = new Set();
  for (const { inputs, outputs } of metafiles) {
    const used = new Set(Object.values(outputs).flatMap((output) => Object.keys(output.inputs)));
    for (const input of Object.keys(inputs)) {
      const found = /^((?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
      if (found !== null && used.has(input)) folders.add(found[1]);
    }
  }
  return [...folders].sort();
}

/** Licences whose text names nobody, for packages that bring none: TensorFlow.js. */
const COMMON = new Map([["Apache-2.0", "node_modules/typescript/LICENSE"]]);

/** One text with name, version and licence of each. Throws for a package that brings no licence text. */
export function thirdPartyNotices(metafiles) {
  const notices = bundledPackages(metafiles).map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
    const own = readdirSync(join(root, folder)).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
    const file = own === undefined ? COMMON.get(license) : join(folder, own);
    if (file === undefined || !existsSync(join(root, file)))
      throw new Error(`${folder} has no licence file (${license}), expected one to bundle it`);
    return `${name} ${version} (${license})\n\n${readFileSync(join(root, file), "utf8").trim()}\n`;
  });
  return ["dist/ holds code of these packages.\n", ...notices].join(`\n${"-".repeat(80)}\n\n`);
}
