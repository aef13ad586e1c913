/**
 * Where the values of voting tensors come from: both models' bytes in memory, or read again whenever they are
 * needed.
 */

/** Model A or model B. */
export type ModelSide = "a" | "b";

/** Is given the bytes of elements from number `from` on; a view, to be used before it returns. */
export type UsePiece = (bytes: Uint8Array, from: number) => void;

/** The bytes of voting tensors, by number, as the files hold them. */
export interface VotingValues {
  /** Gives all bytes of one tensor to `use`: whole, or piece by piece in order. */
  read(side: ModelSide, tensor: number, use: UsePiece): Promise<void>;
}

/** Bytes in memory, by tensor number. */
export function heldValues(a: readonly Uint8Array[], b: readonly Uint8Array[]): VotingValues {
  const sides = { a, b };
  return {
    async read(side, tensor, use) {
      use(sides[side][tensor]!, 0);
    },
  };
}
