import { expect, it } from "vitest";

import { NODE_HEIGHT, drawingOf, edgeKey } from "./layout";
import { graphOf } from "./rules";

const RULES = {
  t_a: { after: ["x", "y"] },
  t_b: { after: ["t_a"], andEvery: "page", unless: ["stop"] },
};

it("places what follows to the right", () => {
  const { places } = drawingOf(graphOf(RULES));
  expect(places.get("x")!.x).toBeLessThan(places.get("t_a")!.x);
  expect(places.get("t_a")!.x).toBeLessThan(places.get("t_b")!.x);
});

it("places sixty nodes with circles so that none overlap", () => {
  const rules = Object.fromEntries(
    Array.from({ length: 60 }, (_, index) => [`t_${index}`, { after: [`t_${(index * 7 + 1) % 60}`, `x_${index % 5}`] }]),
  );
  const drawing = drawingOf(graphOf(rules));
  const places = [...drawing.places.values()];
  const overlapping = places.filter((place, index) =>
    places
      .slice(index + 1)
      .some(({ x, y }) => Math.abs(place.x - x) < drawing.nodeWidth && Math.abs(place.y - y) < NODE_HEIGHT),
  );
  expect(places).toHaveLength(65);
  expect(overlapping).toEqual([]);
});

it("leads an edge around the nodes of the layers that it passes", () => {
  const rules = { t_a: { after: ["x"] }, t_b: { after: ["t_a", "x"] } };
  const { corners, nodeWidth, places } = drawingOf(graphOf(rules));
  const [before, behind] = corners.get(edgeKey("x", "t_b"))!;
  const passed = places.get("t_a")!;
  expect([before!.x, behind!.x]).toEqual([passed.x, passed.x + nodeWidth]);
  expect(before!.y < passed.y || before!.y > passed.y + NODE_HEIGHT).toBe(true);
  expect(corners.get(edgeKey("t_a", "t_b"))).toEqual([]);
});

it("shows long names with wider nodes, up to a limit", () => {
  const widthFor = (name: string) => drawingOf(graphOf({ [name]: {} })).nodeWidth;
  expect(widthFor("t_importResponses")).toBeGreaterThan(widthFor("t_a"));
  expect(widthFor("t".repeat(100))).toBe(widthFor("t".repeat(200)));
});
