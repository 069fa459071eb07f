import { expect, it } from "vitest";

import { roleOf } from "./role";

it("knows a configuration's own DAG", () => {
  expect(roleOf("survey", ["triggers", "triggers:survey"])).toEqual({ configuration: "survey", kind: "configuration" });
});

it("knows a trigger task's DAG, with dots in both names", () => {
  expect(roleOf("my.survey.t.a", ["triggers:my.survey", "mine"])).toEqual({
    configuration: "my.survey",
    kind: "task",
    task: "t.a",
  });
});

it.each([
  ["etl", ["mine"]],
  ["etl", []],
  ["survey", ["triggers:survey"]],
])("takes %s with %j for a foreign DAG", (dagId, tags) => {
  expect(roleOf(dagId, tags).kind).toBe("none");
});
