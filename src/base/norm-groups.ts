/** How a file records the groups of its norms without running statistics: shapes do not show them. */

/** The key of its metadata; the value is a positive integer in decimal digits, 1 for LayerNorm. */
export const NORM_GROUPS = "rebasin.norm-groups";
