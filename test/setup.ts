/** Imported before any suite: makes uvu queue its suites instead of running them, in every runtime alike. */
const scope = globalThis as { UVU_DEFER?: number; UVU_QUEUE?: unknown[]; UVU_INDEX?: number };
scope.UVU_DEFER = 1;
scope.UVU_QUEUE = [[]];
scope.UVU_INDEX = 0;
