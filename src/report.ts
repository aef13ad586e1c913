/**
 * Entry `rebasin/report`: charts and pages from plain values, as texts of SVG and HTML files. Nothing of them is loaded
 * from elsewhere, and nothing here reads models: any numbers can be drawn.
 */

export type { DrawnArrow, DrawnBox, DrawnGroup, DrawnTensor, NetworkDrawing } from "./base/network-drawing.ts";
export { visible } from "./base/visible.ts";
export { type BarChart, barChart } from "./report/bar-chart.ts";
export { type ChartOptions, COLOURS } from "./report/chart.ts";
export { type ContourOptions, contourChart, type Plane, type PlanePoint } from "./report/contour-chart.ts";
export { type CurveChartOptions, curveChart, type PlottedCurve, type PlottedPoint } from "./report/curve-chart.ts";
export { type HeatMapOptions, heatMapChart, type Matrix } from "./report/heat-map-chart.ts";
export { type ChartAxis, type LineChart, type LinePanel, lineChart, type Series } from "./report/line-chart.ts";
export { escapeMarkup } from "./report/markup.ts";
export { type NetworkChartOptions, networkChart } from "./report/network-chart.ts";
export { type Reliability, reliabilityChart } from "./report/reliability-chart.ts";
export { type ReportSection, type ReportTable, reportPage } from "./report/report-page.ts";
export { CHART_STYLE } from "./report/style.ts";
export { textTable } from "./report/text-table.ts";
export { wholeAxis } from "./report/whole-axis.ts";
