/** Voting tensors of which some are held and the others are read from their files whenever they are needed. */

import { elementBytes } from "../../base/dtype.ts";
import type { Model } from "../../base/model.ts";
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
    for (const side of ["a", "b"] as const) kept[side][t] = await readTensor(models[side], tensor, signal);
    onProgress?.({ stage: "read", done: ++done, total });
  }
  // Of two pieces, one is on its way while the other is widened.
  const rooms = [new Uint8Array(PIECE_BYTES), new Uint8Array(PIECE_BYTES)];
  return {
    async read(side, t, use) {
      const tensor = tensors[t]!;
      const whole = kept[side][t];
      if (whole !== undefined) return use(whole, 0);
      if (tensor.view !== undefined) return use(await readTensor(models[side], tensor, signal), 0);
      return readPieces(models[side], tensor, rooms, use, signal);
    },
  };
}

async function readPieces(
  model: Model,
  tensor: TensorOutline,
  rooms: readonly Uint8Array[],
  use: UsePiece,
  signal: AbortSignal | undefined,
): Promise<void> {
  const length = bytesOf(tensor);
  const piece = (from: number): Promise<Uint8Array> => {
    const part = [from, Math.min(from + PIECE_BYTES, length)] as const;
    // A model that gives no parts would put the whole tensor there.
    const room = from === 0 ? undefined : rooms[(from / PIECE_BYTES) % 2]!.subarray(0, part[1] - from);
    const bytes = model.read(tensor.name, signal, room, part);
    // Whoever waits for it hears of a failure; nobody does when the piece before was refused.
    bytes.catch(() => undefined);
    return bytes;
  };
  let next = piece(0);
  for (let from = 0; from < length; from += PIECE_BYTES) {
    const bytes = await next;
    if (from === 0 && bytes.length === length) return use(bytes, 0);
    const expected = Math.min(PIECE_BYTES, length - from);
    if (bytes.length !== expected)
      throw new RangeError(
        `${tensor.name} of ${model.name} has ${bytes.length} bytes, expected all ${length} or a part of ${expected}`,
      );
    if (from + PIECE_BYTES < length) next = piece(from + PIECE_BYTES);
    use(bytes, from / elementBytes(tensor.dtype));
  }
}
