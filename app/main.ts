/** The page: aligns and merges two networks in workers, and shows the result. */

import { VERSION } from "../src/index.ts";
import { setUpAlign } from "./align-section.ts";
import { setUpChoose } from "./choose-section.ts";
import { setUpCurve } from "./curve-section.ts";
import { setUpDataChoices } from "./data-choice.ts";
import { setUpDownload } from "./download-section.ts";
import { byId, cueScrolling } from "./page.ts";
import { createStore } from "./store.ts";
import { setUpTrain } from "./train-section.ts";
import { setUpUnits } from "./units-section.ts";
import { createWorkers } from "./workers.ts";

const store = createStore();
const workers = createWorkers();
const { open } = setUpChoose(store, workers);
setUpAlign(store, workers);
setUpUnits(store, workers);
setUpCurve(store, workers);
setUpDownload(store, workers);
setUpTrain(workers, open);
setUpDataChoices();
// Loaded before they are wanted: one at once, two when there will be something to align and to draw.
workers.files.start();
store.watch(["pair"], ({ pair }) => {
  if (pair === null) return;
  workers.match.start();
  workers.charts.start();
});
for (const id of ["summary", "order-list"]) cueScrolling(byId(id, HTMLElement));
byId("version", HTMLElement).textContent = VERSION;
