/** Families of units that move together, as plain data. */

/** A map of strands to those of another family. */
export interface StrandMap {
  readonly family: number;
  readonly map: Int32Array;
}

/** What moves together. */
export interface UnitFamily {
  readonly size: number;
  /**
   * Families that its strands belong to, with the strand of each strand: none for a free one, one for a nested, several
   * for a product.
   */
  readonly parents: readonly StrandMap[];
  /** A cell of the family: by strand, the number of its unit there. */
  readonly units: Int32Array;
}
