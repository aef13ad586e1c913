/**
 * What a file records of its network apart from tensors, because names and shapes do not show it: keys of its
 * metadata.
 */

import { NORM_GROUPS } from "./norm-groups.ts";

/** Names of tensors or modules, first to last: a list as JSON. */
export const ORDER = "rebasin.order";
/** `chain`. */
export const ASSUME = "rebasin.assume";
/** `relu`, `gelu`, `tanh` or `silu`. */
export const ACTIVATION = "rebasin.activation";

/** Of networks that run by their file's graph: the input that takes the images. */
export const INPUT = "rebasin.input";
/** `nchw` or `nhwc`: the order of its axes. */
export const LAYOUT = "rebasin.layout";

/** What merges take over from A. */
export const NETWORK_NOTES: readonly string[] = [NORM_GROUPS, ORDER, ASSUME, ACTIVATION, INPUT, LAYOUT];
