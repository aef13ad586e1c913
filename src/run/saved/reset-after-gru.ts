/** The GRU that Keras makes by default, which `@tensorflow/tfjs-layers` lacks: its reset gate acts after the product. */

import * as tf from "@tensorflow/tfjs-core";
import type { TfLayers } from "./loaders.ts";

/** The class of its cell. */
export const RESET_AFTER_GRU = "RebasinResetAfterGru";

interface CellArguments {
  readonly units: number;
  readonly activation: string;
  readonly recurrentActivation: string;
  readonly useBias?: boolean | undefined;
}

/** A weight of a layer. */
interface Variable {
  read(): tf.Tensor2D;
}

interface CellBase {
  stateSize: number;
  built: boolean;
  addWeight(name: string, shape: number[], dtype: null, initializer: unknown): Variable;
}

type Activation = (value: tf.Tensor) => tf.Tensor;

/** The cell's step. Weights are the kernels and, with a bias, one row for the input and one for the state. */
function nextState(
  [kernel, recurrent, bias]: readonly tf.Tensor2D[],
  input: tf.Tensor2D,
  state: tf.Tensor2D,
  gate: Activation,
  own: Activation,
): tf.Tensor {
  const rows = bias && tf.split(bias, 2, 0);
  const sums = [tf.matMul(input, kernel!), tf.matMul(state, recurrent!)].map((product, at) =>
    tf.split(rows === undefined ? product : tf.add(product, rows[at]!), 3, 1),
  ) as [tf.Tensor[], tf.Tensor[]];
  const [update, reset] = [0, 1].map((at) => gate(tf.add(sums[0][at]!, sums[1][at]!)));
  const fresh = own(tf.add(sums[0][2]!, tf.mul(reset!, sums[1][2]!)));
  return tf.add(tf.mul(update!, state), tf.mul(tf.sub(1, update!), fresh));
}

const known = new WeakSet<object>();

/** Makes the class known to the package, once. Source: keras/src/layers/rnn/gru.py, `GRUCell.call`. */
export function registerResetAfterGru(loader: TfLayers): void {
  if (known.has(loader.layers)) return;
  known.add(loader.layers);
  tf.serialization.registerClass(cellClass(loader) as never);
}

function cellClass({ layers, initializers }: TfLayers): object {
  const Base = layers.RNNCell as new (options: object) => CellBase;
  return class ResetAfterGru extends Base {
    static readonly className = RESET_AFTER_GRU;
    readonly #options: CellArguments;
    readonly #gate: Activation;
    readonly #new: Activation;
    #weights: readonly Variable[] = [];

    constructor(options: CellArguments) {
      super(options);
      this.#options = options;
      this.stateSize = options.units;
      const [gate, own] = [options.recurrentActivation, options.activation].map((activation) =>
        layers.activation({ activation }),
      );
      this.#gate = (value) => gate!.call(value, {}) as tf.Tensor;
      this.#new = (value) => own!.call(value, {}) as tf.Tensor;
    }

    build(shape: readonly number[]): void {
      const { units, useBias = true } = this.#options;
      const weight = (name: string, rows: number): Variable =>
        this.addWeight(name, [rows, 3 * units], null, initializers.zeros());
      this.#weights = [weight("kernel", shape.at(-1)!), weight("recurrent_kernel", units)];
      if (useBias) this.#weights = [...this.#weights, weight("bias", 2)];
      this.built = true;
    }

    call([input, state]: readonly [tf.Tensor2D, tf.Tensor2D]): tf.Tensor[] {
      const weights = this.#weights.map((weight) => weight.read());
      const next = tf.tidy(() => nextState(weights, input, state, this.#gate, this.#new));
      return [next, next];
    }

    static fromConfig(kind: new (options: CellArguments) => ResetAfterGru, options: CellArguments): ResetAfterGru {
      return new kind(options);
    }
  };
}
