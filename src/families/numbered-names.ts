/** Names that number a layer's variables, as Keras 3 does. In edge workers numbered-names-edge.ts takes its place. */

export { kerasVariables as numberedNames } from "../base/keras-variables.ts";
