/** Takes the place of numbered-names.ts in edge workers, where only a file of Keras, opened as such, says what its numbers mean. */

export const numberedNames = (): ReadonlyMap<string, string> => new Map();
