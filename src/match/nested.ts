/** What only specs with blocks and slices need: loaded with the first of them. */

import { viewOf } from "../axes/views.ts";
import { readView } from "../perm/read-view.ts";
import { fibreOrder, listFibres, withFibres } from "./costs/fibres.ts";
import { fix } from "./costs/fix-tensor.ts";
import type { NestedCode } from "./costs/nested-code.ts";
import { assignTied } from "./solve/assign-tied.ts";

export const nestedCode: NestedCode = { fix, viewOf, readView, listFibres, withFibres, fibreOrder, assignTied };
