/** Entry `rebasin/kernels`: the kernels alone, for programs that bring their own matching. */

export { type Arena, createArena, type GrowableMemory } from "./kernels/arena.ts";
export { type Assignment, type AssignmentOptions, solveAssignment } from "./kernels/assignment.ts";
export { type CostMatrixOptions, costMatrix } from "./kernels/cost-matrix.ts";
export type { KernelExports } from "./kernels/exports.ts";
export { type InitOptions, init } from "./kernels/init.ts";
export { createKernels, type KernelMemory, type Kernels, type Pool } from "./kernels/kernels.ts";
export type { BuildOptions, ModuleOptions } from "./kernels/wasm.ts";
