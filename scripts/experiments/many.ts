import type { Experiment } from "./experiment.ts";
export const many: Experiment = {
  name: "many",
  title: "",
  summary: "",
  needsData: true,
  run: async () => {
    throw new Error("todo");
  },
};
