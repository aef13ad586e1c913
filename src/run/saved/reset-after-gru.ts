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

const known = new WeakSet<object>();

/** Makes the class known to the package, once. Source: keras/src/layers/rnn/gru.py, `GRUCell.call`. */
export function registerResetAfterGru({ layers, initializers }: TfLayers): void {
  if (known.has(layers)) return;
  known.add(layers);
  const Base = layers.RNNCell as new (options: object) => CellBase;
  class ResetAfterGru extends Base {
    static readonly className = RESET_AFTER_GRU;
    readonly #options: CellArguments;
    readonly #gate: (value: tf.Tensor) => tf.Tensor;
    readonly #new: (value: tf.Tensor) => tf.Tensor;
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
      return tf.tidy(() => {
        const [kernel, recurrent, bias] = this.#weights.map((weight) => weight.read());
        const rows = bias && tf.split(bias, 2, 0);
        const gates = [tf.matMul(input, kernel!), tf.matMul(state, recurrent!)].map((sums, at) =>
          tf.split(rows === undefined ? sums : tf.add(sums, rows[at]!), 3, 1),
        ) as [tf.Tensor[], tf.Tensor[]];
        const [update, reset] = [0, 1].map((at) => this.#gate(tf.add(gates[0][at]!, gates[1][at]!)));
        const fresh = this.#new(tf.add(gates[0][2]!, tf.mul(reset!, gates[1][2]!)));
        const next = tf.add(tf.mul(update!, state), tf.mul(tf.sub(1, update!), fresh));
        return [next, next];
      });
    }

    static fromConfig(kind: new (options: CellArguments) => ResetAfterGru, options: CellArguments): ResetAfterGru {
      return new kind(options);
    }
  }
  tf.serialization.registerClass(ResetAfterGru as never);
}
