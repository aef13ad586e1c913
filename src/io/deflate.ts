/** Raw deflate data (RFC 1951): the same bytes in every runtime, which the platforms' own packers do not promise. */

export { deflateSync } from "fflate";
