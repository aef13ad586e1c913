import type { Experiment } from "./experiment.ts";
export const contour: Experiment = {
  name: "contour",
  title: "",
  summary: "",
  needsData: true,
  run: async () => {
    throw new Error("todo");
  },
};
