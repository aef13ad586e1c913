/** `npm run stress -- tables [TIMES]`: planted permutations of every small network of the tables, 20 times each. */

import { IMAGE_NETWORKS } from "../../test/reference/forward/image-networks.ts";
import { IMAGE_AND_SOUND_NETWORKS } from "../../test/reference/forward/images-and-sound.ts";
import { RECURRENT_NETWORKS } from "../../test/reference/forward/recurrent.ts";
import { KERAS_RECURRENT_NETWORKS } from "../../test/reference/forward/recurrent-keras.ts";
import { T5_NETWORKS } from "../../test/reference/forward/t5.ts";
import { NETWORKS } from "../../test/reference/forward/transformers.ts";
import { findsPlanted } from "../../test/reference/table-laws.ts";

const times = Number(process.argv[2] ?? 20);
const recurrent = { ...RECURRENT_NETWORKS, ...KERAS_RECURRENT_NETWORKS };
const all = { ...NETWORKS, ...IMAGE_AND_SOUND_NETWORKS, ...T5_NETWORKS, ...recurrent, ...IMAGE_NETWORKS };
let faults = 0;
for (const [name, network] of Object.entries(all)) {
  try {
    await findsPlanted(network, times);
    console.log(`right  ${name}: ${times} of ${times}`);
  } catch (error) {
    faults++;
    console.log(`WRONG  ${name}: ${(error as Error).message}`);
  }
}
console.log(`tables: ${Object.keys(all).length} networks, ${faults} wrong`);
process.exitCode = faults > 0 ? 1 : 0;
