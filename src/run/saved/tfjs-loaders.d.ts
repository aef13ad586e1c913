/** Replaces the types of optional peers, which are not installed here: `loaders.ts` lists what is used of them. */
declare module "@tensorflow/tfjs-converter" {
  export const loadGraphModel: unknown;
}
declare module "@tensorflow/tfjs-layers" {
  export const loadLayersModel: unknown;
}
