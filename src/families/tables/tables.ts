/** The families that tables know, loaded together. */

import { bert, roberta } from "./bert.ts";
import { efficientNet, mobileNetV2, mobileNetV3 } from "./bottlenecks.ts";
import { clip } from "./clip.ts";
import { convNext, denseNet } from "./convnets.ts";
import { distilbert } from "./distilbert.ts";
import { gptNeox } from "./gpt-neox.ts";
import { gpt2 } from "./gpt2.ts";
import { llama, mixtral, phi3, qwenMoe } from "./llama.ts";
import { opt } from "./opt.ts";
import { recurrent } from "./recurrent.ts";
import { recurrentKeras } from "./recurrent-keras.ts";
import { t5 } from "./t5.ts";
import type { Table } from "./table.ts";
import { vit, vitTimm, vitTorchvision } from "./vit.ts";
import { whisper } from "./whisper.ts";

/** The first whose signs a model has is its family. */
export const TABLES: readonly Table[] = [
  ...[bert, roberta, distilbert],
  ...[gpt2, gptNeox, opt, llama, phi3, mixtral, qwenMoe],
  ...[vit, vitTimm, vitTorchvision, t5, whisper, clip],
  ...recurrentKeras,
  ...[recurrent, mobileNetV2, mobileNetV3, efficientNet, denseNet, convNext],
];

export { createCheckpoint } from "./checkpoint.ts";
export { refuseQuantised, refuseWhole } from "./near-misses.ts";
export { hasSigns, specByTable } from "./table.ts";
