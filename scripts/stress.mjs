// The whole counts of which `npm test` runs a seeded share: `npm run stress -- NAME [ARGUMENT ...]` runs scripts/stress/NAME.ts.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "./build.mjs";

const names = readdirSync(join(root, "scripts/stress"))
  .filter((file) => file.endsWith(".ts"))
  .map((file) => file.slice(0, -3));
const [name, ...args] = process.argv.slice(2);
if (!names.includes(name)) {
  console.error(`stress ${name ?? "without a name"}, expected one of ${names.join(", ")}`);
  process.exit(2);
}
process.argv = [...process.argv.slice(0, 2), join(root, "scripts/stress", `${name}.ts`), ...args];
await import("./run.mjs");
