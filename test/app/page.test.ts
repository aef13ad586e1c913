/** The page itself: what it may not do, and that everybody can use it. */

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { barChart } from "../../src/report/bar-chart.ts";
import { contourChart } from "../../src/report/contour-chart.ts";
import { curveChart } from "../../src/report/curve-chart.ts";
import { heatMapChart } from "../../src/report/heat-map-chart.ts";
import { reliabilityChart } from "../../src/report/reliability-chart.ts";
import { reportPage } from "../../src/report/report-page.ts";
import { type AppPage, BROWSER, openApp } from "./driver.ts";

declare const __ROOT__: string;

const test = suite(`app in ${BROWSER}: page`);
const AXE = readFileSync(join(__ROOT__, "node_modules/axe-core/axe.min.js"), "utf8");

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly targets: string;
}

/** What axe-core finds, of any impact. */
async function violations(page: AppPage): Promise<Violation[]> {
  await page.evaluate(`${AXE}; undefined`);
  return page.evaluate(`axe.run(document).then(({ violations }) =>
    violations.map(({ id, impact, nodes }) => ({ id, impact, targets: nodes.map((node) => node.target.join(" ")).join(", ") })))`);
}

async function fill(page: AppPage): Promise<void> {
  await page.select("#data", "built-in");
  await page.click("#built-in");
  await page.waitFor(`document.querySelector("#align [data-start]:enabled")`);
  await page.click("#align [data-start]");
  await page.waitFor(`document.querySelector("#objective-chart svg") && document.querySelector("#cost-chart svg")`);
  await page.click("#curve [data-start]");
  await page.waitFor(`/^Halfway/.test(document.querySelector("#curve [data-status]").textContent)`);
  await page.waitFor(`document.querySelector("#curve-chart svg")`);
}

/** Two files that do not fit, and every input there is. */
async function chooseUnfit(page: AppPage): Promise<void> {
  const [header, data] = ['{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', "\0\0\0\0"];
  const text = `${String.fromCharCode(header.length)}${"\0".repeat(7)}${header}${data}`;
  await page.drop("main", [{ name: "fmnist-mlp-small-a.safetensors" }, { name: "small.safetensors", text }]);
  await page.waitFor(`/do not hold the same/.test(document.querySelector("#choose-fault").textContent)`);
  for (const id of ["spec", "data", "train-data"]) await page.select(`#${id}`, id === "spec" ? "file" : "files");
  await page.waitFor(`/spec file/.test(document.querySelector("#align .status").textContent)`);
  await page.select("#spec", "auto");
  await page.waitFor(`/do not hold the same/.test(document.querySelector("#choose-fault").textContent)`);
}

const scrolls = (page: AppPage): Promise<boolean> =>
  page.evaluate(`document.documentElement.scrollWidth > document.documentElement.clientWidth`);

for (const { width, dark } of [
  { width: 360, dark: true },
  { width: 1280, dark: false },
]) {
  test(`${width} px, ${dark ? "dark" : "light"}: nothing to scroll sideways, nothing that axe-core finds`, async () => {
    const page = await openApp({ width, dark });
    try {
      assert.is(await page.evaluate(`matchMedia("(prefers-color-scheme: dark)").matches`), dark);
      for (const state of ["empty", "unfit", "filled"]) {
        if (state === "unfit") await chooseUnfit(page);
        if (state === "filled") await fill(page);
        assert.is(await scrolls(page), false, state);
        assert.equal(await violations(page), [], state);
      }
    } finally {
      await page.close();
    }
  });
}

/** A page with every kind of chart, as the command line writes it. */
async function report(): Promise<string> {
  const points = [0, 0.5, 1].map((lambda) => ({ lambda, loss: 1 + lambda, accuracy: 0.5 }));
  const plane = { rows: 3, columns: 3, x: [0, 1], y: [0, 1], values: [1, 2, 3, 4, 5, 6, 7, 8, 9] } as const;
  const bins = [{ confidence: 0.5, accuracy: 0.4, count: 3 }];
  const charts = [
    await curveChart([
      { name: "naive", points },
      { name: "aligned", points },
    ]),
    await barChart({ series: ["one", "two"], rows: [{ name: "row", values: [0.5, 1] }] }),
    await heatMapChart({ rows: 2, columns: 2, values: [1, 2, 3, 4] }),
    await contourChart(plane, [{ name: "A", x: 0, y: 0 }]),
    await reliabilityChart([{ name: "A", bins }]),
  ];
  return reportPage("A and B", [{ heading: "Charts", charts, tables: [{ header: ["a", "b"], rows: [["1", "2"]] }] }]);
}

test("a report: nothing that axe-core finds", async () => {
  const page = await openApp();
  try {
    const text = JSON.stringify(await report());
    await page.evaluate(`document.open(), document.write(${text}), document.close()`);
    await page.waitFor(`document.querySelectorAll("svg.rebasin-chart").length === 5`);
    assert.equal(await violations(page), []);
  } finally {
    await page.close();
  }
});

test("a report on a phone: a last column of names is in view", async () => {
  const page = await openApp({ width: 360 });
  try {
    const names = Array.from({ length: 20 }, (_, i) => `layer${i}.0.conv1.weight`).join(", ");
    const table = { header: ["permutation", "units", "moved", "tensors"], rows: [["P0", "1024", "1023", names]] };
    const text = JSON.stringify(reportPage("A and B", [{ heading: "Tables", tables: [{ ...table, wordy: true }] }]));
    await page.evaluate(`document.open(), document.write(${text}), document.close()`);
    await page.waitFor(`document.querySelector(".table td")`);
    assert.is(await scrolls(page), false);
    const cut = `(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)(document.querySelector(".table"))`;
    assert.is(await page.evaluate(cut), false);
  } finally {
    await page.close();
  }
});

test("the keyboard reaches everything that can be used", async () => {
  const page = await openApp();
  try {
    await fill(page);
    const usable = await page.evaluate<string[]>(`[...document.querySelectorAll("button, select, input, [tabindex]")]
      .filter((e) => !e.disabled && !e.closest("fieldset:disabled, [hidden]") && (e.type !== "radio" || e.checked))
      .map((e) => e.id || e.name || e.closest("section").id)`);
    const reached = new Set<string>();
    for (let i = 0; i < usable.length + 10; i++) {
      await page.press("Tab");
      reached.add(
        await page.evaluate(
          `(({ activeElement: e }) => e === document.body ? "" : e.id || e.name || e.closest("section").id)(document)`,
        ),
      );
    }
    assert.equal(
      usable.filter((id) => !reached.has(id)),
      [],
    );
    assert.ok(usable.length > 15);
  } finally {
    await page.close();
  }
});

test("nothing is sent anywhere: its policy refuses, in the page and in its workers", async () => {
  let heard = 0;
  const elsewhere = createServer((_, response) => {
    heard++;
    response
      .writeHead(200, { "access-control-allow-origin": "*", "cross-origin-resource-policy": "cross-origin" })
      .end();
  });
  await new Promise<void>((listening) => elsewhere.listen(0, "127.0.0.1", listening));
  const url = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`;
  const page = await openApp();
  try {
    await fill(page);
    const attempt = `fetch(${JSON.stringify(url)}, { mode: "no-cors" }).then(() => "sent", () => "refused")`;
    assert.is(await page.evaluate(attempt), "refused");
    const byWorkers = await page.evaluateInWorkers(attempt);
    if (byWorkers !== null) assert.equal(byWorkers, ["refused", "refused", "refused"]);
    assert.is(heard, 0);
    // What it did ask for are its own files.
    assert.equal(
      page.requests.filter((request) => !/^GET \/[\w./-]*$/.test(request)),
      [],
    );
    assert.is(await page.evaluate("crossOriginIsolated"), true);
  } finally {
    await page.close();
    elsewhere.close();
  }
});

test.run();
