/** What the sections of the page share. */

import type { Aligned, PairRequest, PairSummary } from "./calls.ts";

/** Two files whose spec is found. */
export interface OpenPair extends PairRequest {
  readonly summary: PairSummary;
}

export interface State {
  readonly pair: OpenPair | null;
  /** While there is no pair: what is missing, in words. */
  readonly lack: string;
  /** Of `pair`. */
  readonly aligned: Aligned | null;
  /** Share of B in the merge. */
  readonly lambda: number;
}

export interface Store {
  readonly state: State;
  /** Changes some of it; then all listeners are called. Another pair is not aligned, even if the last one was. */
  update(change: Partial<State>): void;
  /** Calls `listener` now and after every change of one of `keys`. */
  watch(keys: readonly (keyof State)[], listener: (state: State) => void): void;
  /** Texts of charts on the page, by heading: what the report shows. Emptied with the pair. */
  readonly charts: Map<string, readonly string[]>;
}

export const NO_FILES = "Choose two networks first.";

export function createStore(): Store {
  let state: State = { pair: null, lack: NO_FILES, aligned: null, lambda: 0.5 };
  const listeners: { keys: readonly (keyof State)[]; listener: (state: State) => void }[] = [];
  const charts = new Map<string, readonly string[]>();
  return {
    get state() {
      return state;
    },
    charts,
    update(change) {
      const before = state;
      state = { ...state, ...("pair" in change ? { aligned: null } : {}), ...change };
      if (state.aligned !== before.aligned) charts.clear();
      for (const { keys, listener } of listeners) {
        if (keys.some((key) => state[key] !== before[key])) listener(state);
      }
    },
    watch(keys, listener) {
      listeners.push({ keys, listener });
      listener(state);
    },
  };
}
