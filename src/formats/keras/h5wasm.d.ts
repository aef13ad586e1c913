/** Replaces the types of an optional peer, which is not installed here: `by-h5wasm.ts` lists what is used of it. */
declare module "h5wasm" {
  export const ready: unknown;
}
