import { expect, it } from "vitest";

import { ownerOf } from "./owner";

const CONF = { triggers: { instance_name: "t_a#0", run_id: "triggers__s~t_a~0", session_uid: "s" } };

it("finds the instance in the run's conf", () => {
  expect(ownerOf({ conf: CONF, dag_run_id: "triggers__s~t_a~0" })).toEqual({ name: "t_a#0", session_uid: "s" });
});

it("takes a run with another run's conf for nobody's", () => {
  expect(ownerOf({ conf: CONF, dag_run_id: "manual__2026" })).toBeUndefined();
});

it.each([null, {}, { triggers: null }, { triggers: { run_id: "r" } }, "text"])("finds nobody in %j", (conf) => {
  expect(ownerOf({ conf, dag_run_id: "r" })).toBeUndefined();
});
