/** Labelled images: the built-in ones, or IDX files of the user's. */

import type { DataRequest, NamedBlob } from "./calls.ts";
import { fetchBuiltIn } from "./choose-section.ts";
import { byId, onRestore } from "./page.ts";

const BUILT_IN = { images: "t10k-images-1000-idx3-ubyte.gz", labels: "t10k-labels-1000-idx1-ubyte.gz" };

/** Ids of the select elements; those of their files begin alike. Both mean the same two files. */
const CHOICES = ["data", "train-data"] as const;
type Choice = (typeof CHOICES)[number];
const FILES = ["images", "labels"] as const;
type Kind = (typeof FILES)[number];

const inputOf = (choice: Choice, kind: Kind): HTMLInputElement => byId(`${choice}-${kind}`, HTMLInputElement);

/** Shows the inputs for files where they are asked for; what is chosen in one place is chosen in the other too. */
export function setUpDataChoices(): void {
  for (const choice of CHOICES) {
    const select = byId(choice, HTMLSelectElement);
    const showInputs = (): void => {
      byId(`${choice}-files`, HTMLElement).hidden = select.value !== "files";
    };
    select.addEventListener("change", showInputs);
    onRestore(showInputs);
    for (const kind of FILES) {
      const input = inputOf(choice, kind);
      input.addEventListener("change", () => {
        for (const other of CHOICES) if (other !== choice) inputOf(other, kind).files = input.files;
      });
    }
  }
}

/** The images chosen in a select element. Throws `RangeError` when files are asked for and not there. */
export async function chosenData(choice: Choice): Promise<DataRequest> {
  if (byId(choice, HTMLSelectElement).value === "files") {
    return { images: chosenFile(choice, "images"), labels: chosenFile(choice, "labels") };
  }
  const [images, labels] = await Promise.all([fetchBuiltIn(BUILT_IN.images), fetchBuiltIn(BUILT_IN.labels)]);
  // What captions call them.
  return { images: { ...images, name: "Fashion-MNIST" }, labels };
}

function chosenFile(choice: Choice, kind: Kind): NamedBlob {
  const file = inputOf(choice, kind).files?.[0];
  if (file === undefined) throw new RangeError(`The file of ${kind} is not chosen yet, expected an IDX file.`);
  return { name: file.name, blob: file };
}
