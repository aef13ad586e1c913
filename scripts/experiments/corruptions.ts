/** Images made harder or other, the same every time: what fine-tunes are trained for. */

import { createRng } from "../../src/base/rng.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import { gaussian } from "../../test/reference/random.ts";

/** How one image changes, in place. `number` is its place in the data set. */
type Change = (image: Float32Array, data: Dataset, number: number) => void;

const CHANGES: Readonly<Record<Corruption, Change>> = {
  inverted(image) {
    for (let e = 0; e < image.length; e++) image[e] = 1 - image[e]!;
  },
  noisy(image, _, number) {
    const rng = createRng(number);
    for (let e = 0; e < image.length; e++) image[e]! += 0.4 * gaussian(rng);
  },
  turned(image, { height, width, channels }) {
    const before = image.slice();
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        for (let c = 0; c < channels; c++)
          image[(y * width + x) * channels + c] = before[((height - 1 - x) * width + y) * channels + c]!;
  },
};

/** Black for white, gaussian noise of deviation 0.4, or turned by a right angle (square images). */
export type Corruption = "inverted" | "noisy" | "turned";

/** A view of `data`. */
export function corrupted(data: Dataset, corruption: Corruption): Dataset {
  const size = data.height * data.width * data.channels;
  return {
    ...data,
    name: `${data.name}, ${corruption}`,
    read(start, end) {
      const images = data.read(start, end);
      for (let i = start; i < end; i++)
        CHANGES[corruption](images.subarray((i - start) * size, (i - start + 1) * size), data, i);
      return images;
    },
  };
}
