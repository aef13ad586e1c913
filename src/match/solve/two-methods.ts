/** The two methods from their parts: Frank–Wolfe with a descent polish, and descent with restarts. */

import type { OnProgress } from "../../base/progress.ts";
import { createRng, type Rng, randomPermutation } from "../../base/rng.ts";
import { createKeptCosts } from "../costs/kept-costs.ts";
import type { Problem } from "../costs/problem.ts";
import type { Workspace } from "../costs/workspace.ts";
import { coordinateDescent } from "./coordinate.ts";
import { frankWolfe, isHeld } from "./frank-wolfe.ts";

export interface Run {
  readonly workspace: Workspace;
  readonly pause: () => Promise<void>;
  readonly onProgress: OnProgress | undefined;
  /** Of everything random in it. */
  readonly seed: number;
  readonly maxSweeps: number;
}

/** Permutations by number, and how they were found. `iterations` are Frank–Wolfe's. */
export interface Found {
  readonly orders: readonly Int32Array[];
  /** With the linear term, where there is one. */
  readonly objective: number;
  readonly sweeps: number;
  readonly iterations: number;
}

/** Rounds of holding tensors of high degree at what the last round found. */
const HELD_ROUNDS = 5;

/**
 * Frank–Wolfe, then descent; never below `identityObjective`, the objective of the `identity` permutations. It starts
 * `perturb` of the way from the barycentre to random permutations.
 */
export async function matchJointly(
  run: Run,
  identity: readonly Int32Array[],
  identityObjective: number,
  perturb: number,
): Promise<Found> {
  const { workspace, pause } = run;
  const { running } = workspace;
  const rng = workspace.keeper?.rng ?? createRng(run.seed);
  const aside = perturb > 0 ? { vertex: randomStart(workspace.problem, rng, identity), step: perturb } : undefined;
  const anyHeld = workspace.problem.occurrences.some((all) => all.some(isHeld));
  let best: Found | null = null;
  for (let round = 0; round < (anyHeld ? HELD_ROUNDS : 1); round++) {
    const atVertex = createKeptCosts(workspace, workspace.kept, pause, (occurrence) => !isHeld(occurrence));
    const joint = await frankWolfe(workspace, running, atVertex, { ...run, reference: best?.orders, aside });
    // The polish goes on from the matrices of the last vertices, unless cells were left out of them.
    const kept = anyHeld ? createKeptCosts(workspace, workspace.kept, pause) : atVertex;
    const polished = await coordinateDescent(workspace, joint.orders, kept, rng, run);
    if (best !== null && polished.objective <= best.objective) break;
    const iterations: number = best === null ? 0 : best.iterations;
    best = { ...polished, iterations: joint.iterations + iterations };
  }
  const { iterations, objective } = best!;
  if (objective >= identityObjective) return best!;
  // Nothing was gained over leaving B as it is (two copies of one model, say): descend from there instead.
  const kept = createKeptCosts(workspace, workspace.kept, pause);
  const fromIdentity = { ...run, startObjective: identityObjective };
  return { ...(await coordinateDescent(workspace, identity, kept, rng, fromIdentity)), iterations };
}

/**
 * Descent from `first`, whose objective may be known, and from `restarts` random starts after it; the best objective is
 * kept.
 */
export async function matchByDescent(
  run: Run,
  first: readonly Int32Array[],
  startObjective: number | undefined,
  restarts: number,
): Promise<Found> {
  const { workspace, pause } = run;
  const rng = workspace.keeper?.rng ?? createRng(run.seed);
  const kept = createKeptCosts(workspace, workspace.kept, pause);
  let best = await coordinateDescent(workspace, first, kept, rng, { ...run, startObjective });
  for (let restart = 0; restart < restarts; restart++) {
    const other = await coordinateDescent(workspace, randomStart(workspace.problem, rng, first), kept, rng, run);
    if (other.objective > best.objective) best = other;
  }
  return { ...best, iterations: 0 };
}

/** Random permutations by number, nested ones inside the blocks of their outer one; what may not move as in `held`. */
function randomStart(
  { permutations, groups, free, chosen, fibres, nested: nestedCode }: Problem,
  rng: Rng,
  held: readonly Int32Array[],
): Int32Array[] {
  const orders = [...held];
  const fill = (outer: number, nested: readonly number[]): void => {
    for (const p of nested) {
      const { inner, outer: own } = permutations[p]!;
      if (own !== outer || fibres.has(p)) continue;
      const blocks = Array.from(orders[outer]!, (block, h) => {
        const places = chosen[p] ? randomPermutation(inner, rng) : held[p]!.subarray(h * inner, (h + 1) * inner);
        return places.map((unit) => block * inner + (unit % inner));
      });
      orders[p] = Int32Array.from(blocks.flatMap((block) => [...block]));
      fill(p, nested);
    }
  };
  for (const { root, nested } of groups) {
    if (!free[root]) continue;
    if (chosen[root]) orders[root] = randomPermutation(permutations[root]!.size, rng);
    fill(root, nested);
  }
  return nestedCode?.withFibres({ permutations, fibres }, orders) ?? orders;
}
