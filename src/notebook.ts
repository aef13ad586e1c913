/**
 * Entry `rebasin/notebook`: pictures of models, permutations, curves and matrices that show themselves in notebooks
 * with Deno's kernel. Nothing of Deno is imported: their `svg` can be shown anywhere.
 */

export { displayCurve, displayHeatMap } from "./display/chart-displays.ts";
export { type Display, JUPYTER_DISPLAY } from "./display/display.ts";
export { displayModel, type ModelDisplayOptions } from "./display/model-display.ts";
export { displayPermutations, type PermutationsDisplayOptions } from "./display/permutations-display.ts";
export type { ChartOptions } from "./report/chart.ts";
export type { CurveChartOptions, PlottedCurve, PlottedPoint } from "./report/curve-chart.ts";
export type { HeatMapOptions, Matrix } from "./report/heat-map-chart.ts";
