/** The words of plain chains. A network whose names hold any other word is not treated as a chain. */

import type { PathWord } from "./words.ts";

const list = (words: string): ReadonlySet<string> => new Set(words.split(" "));

/** Words by the place that they name. */
const INPUT = list("stem input in first");
const EARLY = list("encoder enc features feature extractor backbone trunk body base cnn convnet");
const LATE = list("decoder dec");
const OUTPUT = list(
  "head classifier classification cls clf logits logit predictions prediction predict pred score readout output out final last tail",
);

/** What norms that work on one group, or on each channel alone, are called. */
const ONE_GROUP = list("ln layernorm instancenorm rmsnorm");
const GROUPED = list("gn groupnorm");
const NORMS = list("norm bn batch batchnorm normalization layer instance group rms act activation relu prelu");

const PLAIN = list(
  [
    "conv convolution fc dense linear lin full fully connected",
    "layer hidden hid h l c f block stage group",
    "net network model module main mlp perceptron nn seq sequential stack neck bottleneck latent code mid middle",
    "flat flatten pool relu tanh gelu lenet alexnet vgg op",
    "depthwise dw pointwise pw separable sep",
  ].join(" "),
);

/** Words of attention, recurrence, gates, branches and skip connections: no chain, in any position. */
const FOREIGN = list(
  [
    "attn attention mha mhsa qkv rnn lstm gru gate gates glu se experts moe lora heads towers branches ensemble members models nets",
    "res resnet residual resblock skip shortcut embed embedding embeddings emb denselayer denseblock",
  ].join(" "),
);

const TRANSPOSED = list("decoder dec generator gen g up deconv upsample");
const DEPTHWISE = list("depthwise dw");
const POINTWISE = list("pointwise pw");
const EMBEDDINGS = list("embed embedding embeddings emb wte");

/** Which of a module's neighbours it runs before, by its words: lower first. */
export type WordPlace = 0 | 1 | 2 | 3 | 4;
export const FIRST: WordPlace = 0;
export const EARLIER: WordPlace = 1;
const MIDDLE: WordPlace = 2;
export const LATER: WordPlace = 3;
export const LAST: WordPlace = 4;

/** The place that a word names. */
export function placeOf({ subwords }: PathWord): WordPlace {
  if (subwords.some((word) => EARLY.has(word))) return EARLIER;
  if (subwords.some((word) => LATE.has(word))) return LATER;
  for (const word of subwords) {
    if (INPUT.has(word)) return FIRST;
    if (OUTPUT.has(word)) return LAST;
  }
  return MIDDLE;
}

const singular = (word: string): string => (word.endsWith("s") ? word.slice(0, -1) : word);

const isKnown = (word: string): boolean =>
  [PLAIN, NORMS, ONE_GROUP, GROUPED].some((words) => words.has(singular(word))) ||
  [INPUT, EARLY, LATE, OUTPUT].some((words) => words.has(word));

/** The first of a part's words that no plain chain has; undefined when all are plain. */
export function strangeWord(part: PathWord): string | undefined {
  // `hidden2hidden`: from one thing to another.
  if (/[a-z]2[a-z]/i.test(part.text.replace(/(conv|norm|bn|pool|dropout)2d/gi, ""))) return part.text;
  return part.subwords.find((word) => FOREIGN.has(word) || !isKnown(word));
}

/** The first word that speaks of another kind of network; undefined when there is none. */
export function foreignWord({ subwords }: PathWord): string | undefined {
  return subwords.find((word) => FOREIGN.has(word));
}

/** The groups of a norm by its words: one or one a channel (`"one"`), several (`"some"`), or unknown. */
export function groupsInWords(parts: readonly PathWord[]): "one" | "some" | undefined {
  for (const { subwords } of parts.toReversed()) {
    for (const [i, word] of subwords.entries()) {
      const two = `${word}${subwords[i + 1] ?? ""}`;
      if (GROUPED.has(word) || two === "groupnorm") return "some";
      if (ONE_GROUP.has(word) || ["layernorm", "instancenorm", "rmsnorm"].includes(two)) return "one";
    }
  }
  return undefined;
}

const has = (words: ReadonlySet<string>, parts: readonly PathWord[]): boolean =>
  parts.some(({ subwords }) => subwords.some((word) => words.has(word)));

/** True for words under which transposed convolutions are found. */
export const namesTransposed = (parts: readonly PathWord[]): boolean => has(TRANSPOSED, parts);
/** True for words of depthwise convolutions. */
export const namesDepthwise = (parts: readonly PathWord[]): boolean => has(DEPTHWISE, parts);
/** True for words of the 1×1 convolutions that follow depthwise ones. */
export const namesPointwise = (parts: readonly PathWord[]): boolean => has(POINTWISE, parts);
/** True for words of embeddings. */
export const namesEmbedding = (parts: readonly PathWord[]): boolean => has(EMBEDDINGS, parts);
/**
 * Words that number a chain's blocks: a container of this word and a number is a part of a chain, not a separate
 * network.
 */
const BLOCKS = list("layer block stage group conv fc linear dense hidden feature part op");

/** True when the numbered containers of this word are parts of one chain. */
export const numbersBlocks = ({ subwords, isIndex }: PathWord): boolean =>
  isIndex || subwords.every((word) => BLOCKS.has(singular(word)));
