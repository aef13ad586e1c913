/** Labelled images: the built-in ones, or IDX files of the user's. */

import type { DataRequest, NamedBlob } from "./calls.ts";
import { fetchBuiltIn } from "./choose-section.ts";
import { byId } from "./page.ts";

const BUILT_IN = { images: "t10k-images-1000-idx3-ubyte.gz", labels: "t10k-labels-1000-idx1-ubyte.gz" };

/** The images that the select element `id` stands at. Throws `RangeError` when files are asked for and not there. */
export async function chosenData(id: string): Promise<DataRequest> {
  if (byId(id, HTMLSelectElement).value === "files") {
    return { images: chosenFile("idx-images", "images"), labels: chosenFile("idx-labels", "labels") };
  }
  const [images, labels] = await Promise.all([fetchBuiltIn(BUILT_IN.images), fetchBuiltIn(BUILT_IN.labels)]);
  // What captions call them.
  return { images: { ...images, name: "Fashion-MNIST" }, labels };
}

function chosenFile(id: string, what: string): NamedBlob {
  const file = byId(id, HTMLInputElement).files?.[0];
  if (file === undefined) throw new RangeError(`IDX file of ${what} not chosen, expected one in step 4`);
  return { name: file.name, blob: file };
}
