// Which chunks dist/ has. esbuild makes one for every combination of entries, and of files imported on demand, that reach a
// module: hundreds, each a file to load. So whatever reaches a part of a group is made to reach all of it.
import { build } from "esbuild";

/**
 * Parts of src/ that come as one chunk each: all that `of` imports and `within` allows, but for what is in an earlier group.
 * The core is in every entry but those that do with little. What browsers load, too, stays apart from Node's own.
 */
export const GROUPS = [
  { of: ["src/index.ts"] },
  { of: ["src/formats.ts", "src/node.ts"], within: (file) => /^src\/(base|io|formats)/.test(file) },
  { of: ["src/node.ts"], within: (file) => /^src\/node\b/.test(file) },
  { of: ["src/data.ts"] },
  { of: ["src/graph.ts"] },
  { of: ["src/cli/run-line.ts"] },
  {
    of: ["src/cli/commands/merge.ts", "src/cli/commands/curve.ts"],
    within: (file) => /^src\/cli\/[\w-]+\.ts$/.test(file),
  },
];

/**
 * Resolves to what each of `entries` (paths from the root), and each file imported on demand, has to import besides, for the
 * sake of chunks. Entries of `small` are left as they are: what they share with a group is in no group.
 */
export async function groupedImports(entries, { groups: all, small }, options) {
  const { metafile } = await build({ ...options, entryPoints: entries, write: false, logLevel: "silent" });
  const graph = new Map();
  const demanded = new Set();
  for (const [file, { imports }] of Object.entries(metafile.inputs)) {
    const own = imports.filter(({ path }) => metafile.inputs[path] !== undefined);
    graph.set(
      file,
      own.filter(({ kind }) => kind !== "dynamic-import").map(({ path }) => path),
    );
    for (const { kind, path } of own) if (kind === "dynamic-import") demanded.add(path);
  }
  const taken = reachedFrom(graph, small);
  const groups = all.map(({ of, within = () => true }) => {
    const members = [...reachedFrom(graph, of)].filter(
      (file) => file.startsWith("src/") && !taken.has(file) && within(file),
    );
    for (const member of members) taken.add(member);
    return members;
  });
  const starts = [...new Set([...entries, ...demanded])].filter((file) => !small.includes(file));
  return new Map(starts.map((file) => [file, besides(graph, groups, file)]));
}

/** The files that make `start` reach whole groups. The core, always. */
function besides(graph, groups, start) {
  const found = [...groups[0]];
  for (;;) {
    const reached = reachedFrom(graph, [start, ...found]);
    const partial = groups.find(
      (members) => members.some((file) => reached.has(file)) && !members.every((file) => reached.has(file)),
    );
    if (partial === undefined) return found.filter((file) => file !== start);
    found.push(...partial);
  }
}

function reachedFrom(graph, files) {
  const reached = new Set();
  const visit = (file) => {
    if (reached.has(file) || !graph.has(file)) return;
    reached.add(file);
    for (const next of graph.get(file) ?? []) visit(next);
  };
  for (const file of files) visit(file);
  return reached;
}
