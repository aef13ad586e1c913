/** Type-checks programs of users, as `tsc` does where the package is installed. */

import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

declare const __ROOT__: string;

/** What tsc says of the programs, by their names; empty when they are right. They may import what `folder` has installed. */
export function typeErrors(folder: string, programs: ReadonlyMap<string, string>): string {
  mkdirSync(folder, { recursive: true });
  // Programs are modules, whether they import anything or not; declarations are for all of them.
  for (const [name, text] of programs)
    writeFileSync(join(folder, name), name.endsWith(".d.ts") ? text : `${text}\nexport {};\n`);
  const compilerOptions = {
    target: "es2023",
    lib: ["es2023", "dom", "dom.iterable", "dom.asynciterable"],
    module: "nodenext",
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    typeRoots: [join(__ROOT__, "node_modules/@types")],
    types: ["node"],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: [...programs.keys()] }));
  try {
    execFileSync(process.execPath, [join(__ROOT__, "node_modules/typescript/bin/tsc"), "-p", "."], {
      cwd: folder,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return "";
  } catch (error) {
    return String((error as { stdout?: string }).stdout);
  }
}
