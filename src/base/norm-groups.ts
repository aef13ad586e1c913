/** How a file says in how many groups its norms without running statistics work: shapes do not tell. */

/** The key of its metadata; the value is a positive integer in decimal digits, 1 for LayerNorm. */
export const NORM_GROUPS = "rebasin.norm-groups";
