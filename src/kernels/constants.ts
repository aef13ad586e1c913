/**
 * Sizes that are built into the `cost` kernel (`assembly/gemm.ts`). A test reads them off the work area that it
 * asks for.
 */

/**
 * Block of k. Within a block products are added in order, then the sum is added to C: bits depend on this number
 * alone.
 */
export const K_BLOCK = 256;
/** Rows that are packed at once. */
export const ROW_BLOCK = 128;
/** Columns of the micro-kernel's tile. */
export const TILE_COLUMNS = 8;
