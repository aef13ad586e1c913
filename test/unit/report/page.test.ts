/** Report pages: escaped, self-contained, in the order given. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { reportPage } from "../../../src/report/report-page.ts";

const test = suite("report pages");
const NASTY = `<script>alert("&")</script>`;
const SVG = '<svg xmlns="http://www.w3.org/2000/svg" class="rebasin-chart" height="5" width="10"/>';

const page = reportPage(
  NASTY,
  [
    {
      heading: NASTY,
      text: [NASTY],
      figures: [{ name: NASTY, value: NASTY }],
      charts: [SVG],
      tables: [
        { caption: NASTY, header: [NASTY], rows: [[NASTY], ["second"]] },
        { header: ["plain"], rows: [] },
      ],
    },
    { heading: "last" },
  ],
  [NASTY],
);

test("text is escaped everywhere, charts are put in as they are", () => {
  assert.not.match(page, "<script");
  assert.is(page.split("&lt;script&gt;alert(&quot;&amp;&quot;)&lt;/script&gt;").length - 1, 11);
  assert.ok(page.includes(`>${SVG}<`));
  assert.ok(page.indexOf("second") < page.indexOf("<h2>last</h2>"));
});

test("nothing is loaded from elsewhere, and browsers are told so; both colour schemes", () => {
  const elsewhere = page.replaceAll("http://www.w3.org/2000/svg", "");
  assert.not.match(elsewhere, /https?:|\ssrc=|href=|@import|url\(/);
  assert.match(page, "default-src 'none'; style-src 'unsafe-inline'; img-src data:");
  assert.match(page, "prefers-color-scheme: dark");
  assert.match(page, /^<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">/);
});

test("a chart that is none is refused", () => {
  assert.throws(
    () => reportPage("t", [{ heading: "h", charts: ["<img src=x>"] }]),
    (error: Error) =>
      error instanceof TypeError && error.message === 'chart "<img src=x>", expected the text of an SVG',
  );
});

test.run();
