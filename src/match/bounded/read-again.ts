/** Voting tensors of which some are held and the others are read from their files whenever they are needed. */

import { elementBytes } from "../../base/dtype.ts";
import { elementCount, type Model } from "../../base/model.ts";
import type { Running } from "../../base/options.ts";
import { bytesOf, type Outline, readTensor, type TensorOutline } from "../costs/problem.ts";
import type { ModelSide, UsePiece, VotingValues } from "../costs/voting-values.ts";

/** Bytes read at a time: whole elements of every dtype. */
const PIECE_BYTES = 2 ** 22;

/** Reads the tensors that are held; reports stage `read`. */
export async function readSome(
  models: Readonly<Record<ModelSide, Model>>,
  { tensors }: Outline,
  held: readonly boolean[],
  { signal, onProgress }: Running,
): Promise<VotingValues> {
  const kept: Record<ModelSide, (Uint8Array | undefined)[]> = { a: [], b: [] };
  const total = held.filter(Boolean).length;
  let done = 0;
  for (const [t, tensor] of tensors.entries()) {
    if (!held[t]) continue;
    for (const side of ["a", "b"] as const) {
      const bytes = await readTensor(models[side], tensor, signal);
      // A part of the whole would keep the whole.
      kept[side][t] = tensor.part === undefined ? bytes : bytes.slice();
    }
    onProgress?.({ stage: "read", done: ++done, total });
  }
  const pieces = { a: createPieces(models.a, signal), b: createPieces(models.b, signal) };
  return {
    async read(side, t, use) {
      const tensor = tensors[t]!;
      const whole = kept[side][t];
      if (whole !== undefined) use(whole, 0);
      else if (tensor.view === undefined) await pieces[side](tensor, use);
      else use(await readTensor(models[side], tensor, signal), 0);
    },
  };
}

/** Gives a tensor piece by piece, the next of which is on its way while one is used. */
function createPieces(model: Model, signal: AbortSignal | undefined) {
  const rooms = [new Uint8Array(PIECE_BYTES), new Uint8Array(PIECE_BYTES)];
  /** What a model gave that gives no parts, for the next part: no longer than the collector lets it. */
  let last: { readonly name: string; readonly bytes: WeakRef<Uint8Array> } | undefined;
  return async (tensor: TensorOutline, use: UsePiece): Promise<void> => {
    const { name, dtype, part: [begin, end] = [0, bytesOf(tensor)] } = tensor;
    const size = elementCount(model.tensors.get(name)!.shape) * elementBytes(dtype);
    const known = last?.name === name ? last.bytes.deref() : undefined;
    if (known !== undefined) return use(known.subarray(begin, end), 0);
    const piece = (from: number): Promise<Uint8Array> => {
      const to = Math.min(from + PIECE_BYTES, end);
      // A model that gives no parts would put the whole tensor there: it must be whole, or known to give them.
      const room =
        from === begin && to - from < size
          ? undefined
          : rooms[((from - begin) / PIECE_BYTES) % 2]!.subarray(0, to - from);
      const bytes = model.read(name, signal, room, [from, to]);
      // Whoever waits for it hears of a failure; nobody does when the piece before was refused.
      bytes.catch(() => undefined);
      return bytes;
    };
    let next = piece(begin);
    for (let from = begin; from < end; from += PIECE_BYTES) {
      const bytes = await next;
      const length = Math.min(PIECE_BYTES, end - from);
      if (bytes.length === size && size > length) {
        last = { name, bytes: new WeakRef(bytes) };
        return use(bytes.subarray(begin, end), 0);
      }
      if (bytes.length !== length)
        throw new RangeError(`${name} of ${model.name} has ${bytes.length} bytes, expected ${length} or ${size}`);
      if (from + PIECE_BYTES < end) next = piece(from + PIECE_BYTES);
      use(bytes, (from - begin) / elementBytes(dtype));
    }
  };
}
