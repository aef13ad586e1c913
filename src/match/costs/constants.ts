/** What is larger comes in parts: elements of a tensor, entries of a matrix. */
export const LARGE: number = 2 ** 22;
