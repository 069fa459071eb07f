import { expect, it } from "vitest";

import { NODE_HEIGHT, NODE_WIDTH, graphOf, placesOf } from "./layout";

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

it("places what follows to the right", () => {
  const places = placesOf(graphOf(RULES));
  expect(places.get("x")!.x).toBeLessThan(places.get("t_a")!.x);
  expect(places.get("t_a")!.x).toBeLessThan(places.get("t_b")!.x);
});

it("places sixty nodes with circles so that none overlap", () => {
  const rules = Object.fromEntries(
    Array.from({ length: 60 }, (_, index) => [`t_${index}`, { after: [`t_${(index * 7 + 1) % 60}`, `x_${index % 5}`] }]),
  );
  const places = [...placesOf(graphOf(rules)).values()];
  const overlapping = places.filter((place, index) =>
    places
      .slice(index + 1)
      .some(({ x, y }) => Math.abs(place.x - x) < NODE_WIDTH && Math.abs(place.y - y) < NODE_HEIGHT),
  );
  expect(places).toHaveLength(65);
  expect(overlapping).toEqual([]);
});
