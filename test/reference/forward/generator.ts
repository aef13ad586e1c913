/**
 * Random chains, residual networks and networks of several towers under names of all styles: names of chains for networks
 * that are none, too. `falsehood` matches the assumption that is false of such a network.
 */

import type { Rng } from "../../../src/base/rng.ts";
import { chance, Named, namesOf, type Plan, pick, planOf } from "./named-layers.ts";
import type { Layers, PlainNetwork } from "./network.ts";
import { add, concat, flatten, halve, maxPool, meanPool, multiply, relu, type Value } from "./values.ts";

export interface Generated {
  readonly network: PlainNetwork;
  /** What it is, for counts. */
  readonly kind: string;
  /** Matches the assumption that does not hold; undefined for a chain, of which all hold. */
  readonly falsehood?: RegExp | undefined;
}

type Body = (n: Named, x: Value, plan: Plan) => Value;
interface Kind {
  readonly input: (width: number) => readonly number[];
  readonly body: Body;
  readonly falsehood?: RegExp;
}

const VECTOR = (width: number): readonly number[] => [width];
const IMAGE = (): readonly number[] => [3, 4, 4];

/** Dense tensors with norms and ReLU between; the last has neither. */
const denses: Body = (n, x, plan) => {
  let value = x;
  for (let k = 0; k < plan.depth; k++) value = relu(n.norm(n.dense(value, plan.width())));
  return n.dense(value, 4);
};

const convs: Body = (n, x, plan) => {
  let value = x;
  for (let k = 0; k < plan.depth; k++) value = relu(n.norm(n.conv(value, plan.width(), 3)));
  return value;
};

const order = (l: Layers): "channel-major" | "channel-minor" => (l.isChannelsLast ? "channel-minor" : "channel-major");
const SKIP = /no skip/;
const BRANCH = /no branches/;

/** The kinds; names are always those of a chain, unless the kind says otherwise. */
const KINDS: Readonly<Record<string, Kind>> = {
  mlp: { input: VECTOR, body: denses },
  convnet: { input: IMAGE, body: (n, x, plan) => n.dense(meanPool(convs(n, x, plan)), 5) },
  "convnet with a flatten": {
    input: IMAGE,
    body: (n, x, plan) => n.dense(relu(n.dense(flatten(halve(convs(n, x, plan)), order(n.layers)), plan.width())), 5),
  },
  "the other flatten": {
    input: IMAGE,
    body: (n, x, plan) =>
      n.dense(flatten(halve(convs(n, x, plan)), n.layers.isChannelsLast ? "channel-major" : "channel-minor"), 5),
    falsehood: /flatten is/,
  },
  "residual mlp": {
    input: VECTOR,
    body(n, x, plan) {
      let value = relu(n.dense(x, plan.width()));
      const { channels } = value;
      for (let k = 0; k < plan.depth; k++) value = relu(add(value, n.dense(value, channels)));
      return n.dense(value, 4);
    },
    falsehood: SKIP,
  },
  "residual convnet": {
    input: IMAGE,
    body(n, x, plan) {
      let value = relu(n.conv(x, plan.width(), 3));
      const { channels } = value;
      for (let k = 0; k < plan.depth; k++)
        value = relu(add(value, n.conv(relu(n.conv(value, channels, 3)), channels, 3)));
      return n.dense(meanPool(value), 4);
    },
    falsehood: SKIP,
  },
  "a shortcut": {
    input: IMAGE,
    body(n, x, plan) {
      const first = relu(n.conv(x, plan.width(), 3));
      const main = n.conv(first, first.channels, 3);
      return n.dense(meanPool(relu(add(main, n.conv(first, first.channels, 1)))), 4);
    },
    falsehood: BRANCH,
  },
  "two towers, added": {
    input: VECTOR,
    body: (n, x, plan) => n.dense(relu(add(tower(n, x, plan), tower(n, x, plan))), 4),
    falsehood: BRANCH,
  },
  "two towers, put together": {
    input: VECTOR,
    body: (n, x, plan) => n.dense(relu(concat(tower(n, x, plan), tower(n, x, plan))), 4),
    falsehood: BRANCH,
  },
  "two networks": {
    input: VECTOR,
    body: (n, x, plan) => concat(tower(n, x, plan), tower(n, x, plan)),
    falsehood: BRANCH,
  },
  "two heads": {
    input: VECTOR,
    body(n, x, plan) {
      const trunk = relu(n.dense(x, plan.width()));
      return concat(n.dense(trunk, trunk.channels), n.dense(trunk, 1));
    },
    falsehood: BRANCH,
  },
  "a gate": {
    input: VECTOR,
    body(n, x, plan) {
      const trunk = relu(n.dense(x, plan.width()));
      const gate = n.dense(trunk, trunk.channels);
      return n.dense(multiply(gate, n.dense(trunk, trunk.channels)), 4);
    },
    falsehood: BRANCH,
  },
  "squeeze and excitation": {
    input: IMAGE,
    body(n, x, plan) {
      const value = convs(n, x, plan);
      const gate = n.dense(relu(n.dense(meanPool(value), 4)), value.channels);
      return n.dense(meanPool(multiply(value, gate)), 4);
    },
    falsehood: BRANCH,
  },
  recurrence: {
    input: VECTOR,
    body(n, x, plan) {
      const { layers: l, names } = n;
      const [first, again, last] = [names.dense(), names.dense(), names.dense()];
      let state = relu(l.dense(first, x, plan.width(), plan));
      const { channels } = state;
      const start = l.dense(first, x, channels, plan);
      for (let t = 0; t < 3; t++) state = relu(add(start, l.dense(again, state, channels, plan)));
      return l.dense(last, state, 4, plan);
    },
    falsehood: /no recurrence|no skip/,
  },
  "a norm used twice": {
    input: VECTOR,
    body(n, x, plan) {
      const first = n.dense(x, plan.width());
      const norm = n.names.norm();
      const value = relu(n.layers.batchNorm(norm, first));
      return n.dense(relu(n.layers.batchNorm(norm, n.dense(value, value.channels))), 4);
    },
    falsehood: /no recurrence/,
  },
  "a transposed convolution": {
    input: IMAGE,
    body(n, x, plan) {
      const value = relu(n.conv(x, plan.width(), 3));
      return n.conv(relu(n.convTransposed(value, value.channels, 3)), 3, 3);
    },
    falsehood: /not transposed/,
  },
  "a depthwise first layer": {
    input: IMAGE,
    body: (n, x, plan) => n.dense(meanPool(relu(n.conv(relu(n.conv(x, 3, 3, { groups: 3 })), plan.width(), 1))), 4),
    falsehood: /no depthwise/,
  },
  "a grouped first layer": {
    input: () => [4, 3, 3],
    body: (n, x, plan) => n.dense(meanPool(relu(n.conv(relu(n.conv(x, 8, 3, { groups: 2 })), plan.width(), 3))), 4),
    falsehood: /no depthwise or grouped/,
  },
  "two pools, put together": {
    input: IMAGE,
    body(n, x, plan) {
      const value = convs(n, x, plan);
      return n.dense(concat(meanPool(value), maxPool(value), meanPool(relu(value)), maxPool(relu(value))), 4);
    },
    falsehood: /flatten is/,
  },
  "an embedding": {
    input: () => [2],
    body: (n, _, plan) =>
      n.dense(
        relu(
          n.dense(meanPool(n.layers.embed(`${n.names.dense()}.weight`, [1, 3, 0], plan.width(), 8)), 8, { bias: true }),
        ),
        4,
        { bias: true },
      ),
    falsehood: /not an embedding|as PyTorch stores/,
  },
  "the other layout": {
    input: VECTOR,
    body(n, x, _plan) {
      let value = x;
      for (let k = 0; k < 3; k++) {
        const { data } = n.layers.tensor(`${n.names.dense()}.weight`, [value.channels, x.channels]);
        const from = value;
        value = relu({
          ...from,
          data: Float64Array.from({ length: x.channels }, (_, o) =>
            from.data.reduce((sum, v, i) => sum + v * data[i * x.channels + o]!, 0),
          ),
        });
      }
      return value;
    },
    falsehood: /as PyTorch stores/,
  },
};

function tower(n: Named, x: Value, plan: Plan): Value {
  return n.dense(relu(n.dense(x, plan.width())), x.channels);
}

/** Words that tell what a kind is, in place of a chain's numbers. */
const TELLING: readonly string[] = [
  "",
  "",
  "",
  "student.",
  "ema.",
  "left.",
  "actor.",
  "attn.",
  "blocks.0.",
  "res.",
  "gate.",
  "model.",
];

/** A random network. */
export function generate(rng: Rng): Generated {
  const kind = pick(Object.keys(KINDS), rng);
  const { input, body, falsehood } = KINDS[kind]!;
  const plan = planOf(rng);
  const width = chance(rng, 2) ? plan.width() : pick([3, 5, 7, 9], rng);
  const prefix = pick(TELLING, rng);
  const half = chance(rng, 3);
  const network: PlainNetwork = {
    name: kind,
    naming: kind === "an embedding" || kind === "the other layout" ? {} : plan.naming,
    input: input(width),
    forward(l, x) {
      // The widths begin anew whenever it runs.
      let at = 0;
      const widths = plan;
      const seen = sizesOf(widths);
      const fresh: Plan = { ...plan, width: () => seen[at++ % seen.length]! };
      const names = namesOf(plan.style, plan.word, half ? "" : prefix);
      return body(new Named(l, names, fresh), x, fresh);
    },
  };
  return { network, kind, falsehood };
}

const known = new WeakMap<Plan, number[]>();

function sizesOf(plan: Plan): number[] {
  const sizes = known.get(plan) ?? Array.from({ length: 12 }, plan.width);
  known.set(plan, sizes);
  return sizes;
}
