/** `await using` for models, where the engine has it. */

import type { Model } from "./model.ts";

/**
 * The key of `await using`, where the program's types know it: no library of types is needed for those who do not
 * use it.
 */
export type DisposeKey = SymbolConstructor extends { readonly asyncDispose: infer Key extends symbol } ? Key : never;

/** A model that closes itself at the end of a block: `await using model = await openModel(bytes)`. */
export type ClosingModel = Model & { readonly [K in DisposeKey]: () => Promise<void> };

/** The model itself, with a method of that name that closes it, where the engine has `Symbol.asyncDispose`. */
export function closing(model: Model): ClosingModel {
  const { asyncDispose } = Symbol as { readonly asyncDispose?: symbol };
  if (asyncDispose === undefined) return model as ClosingModel;
  // By `this`: a copy with another `close` closes by that one.
  async function dispose(this: Model): Promise<void> {
    await this.close?.();
  }
  return Object.assign(model, { [asyncDispose]: dispose }) as Model as ClosingModel;
}
