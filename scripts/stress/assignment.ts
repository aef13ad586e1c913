/**
 * `npm run stress -- assignment`: assignments of every kind at every size, certified by their duals, on both builds. `npm
 * test` has a share of them.
 */

import { certify, largest } from "../../test/reference/assignment.ts";
import { KIND_NAMES, makeCosts } from "../../test/reference/assignment-costs.ts";
import { solveGuarded } from "../../test/reference/assignment-kernel.ts";
import { bitEqual } from "../../test/reference/bits.ts";
import { BUILDS } from "../../test/reference/on-kernels.ts";

const started = performance.now();
let solved = 0;
for (const n of [512, 800, 1024, 2048])
  for (const name of KIND_NAMES)
    for (const maximize of [true, false]) {
      const cost = makeCosts(name, n, n);
      const noise = makeCosts("gaussian", n, n, 2);
      const changed = cost.map((c, k) => (c === 0 ? 0 : c + noise[k]! / 2 ** 8));
      const first = solveGuarded(BUILDS[0]!, cost, n, n, n, maximize);
      certify(name, cost, n, n, maximize, first, 1e-13 * n * largest(cost));
      const [next, scalar] = BUILDS.map((build) =>
        solveGuarded(build, changed, n, n, n, maximize, first.columnDuals.slice()),
      );
      certify(`${name}, from earlier duals`, changed, n, n, maximize, next!, 1e-13 * n * largest(changed));
      bitEqual(scalar!.columnDuals, next!.columnDuals, `${name}, ${n}: column duals of both builds`);
      solved += 3;
    }
console.log(`${solved} assignments certified in ${((performance.now() - started) / 1000).toFixed(0)} s`);
