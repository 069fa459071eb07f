import { expect, it } from "vitest";

import { graphOf } from "./rules";

const RULES = {
  t_a: { after: ["x", "y"] },
  t_b: { after: ["t_a"], andEvery: "page", unless: ["stop"] },
};

it("has a node for each trigger and task, and an edge for each name in a rule", () => {
  const { edges, nodes } = graphOf(RULES);
  expect(nodes.map(({ id, kind }) => `${kind} ${id}`)).toEqual([
    "trigger x",
    "trigger y",
    "trigger page",
    "trigger stop",
    "task t_a",
    "task t_b",
  ]);
  expect(edges.map(({ directive, source, target }) => `${source} ${directive} ${target}`)).toEqual([
    "x after t_a",
    "y after t_a",
    "t_a after t_b",
    "page andEvery t_b",
    "stop unless t_b",
  ]);
});

it("draws a trigger once when it is in after and in andEvery", () => {
  expect(graphOf({ t_a: { after: ["page"], andEvery: "page" } }).edges).toHaveLength(1);
});
