import type { Experiment } from "./experiment.ts";
export const splitData: Experiment = {
  name: "split-data",
  title: "",
  summary: "",
  needsData: true,
  run: async () => {
    throw new Error("todo");
  },
};
