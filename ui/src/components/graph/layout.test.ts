import { expect, it } from "vitest";

import { NODE_HEIGHT, drawingOf } from "./layout";
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

it("shows long names with wider nodes, up to a limit", () => {
  const widthFor = (name: string) => drawingOf(graphOf({ [name]: {} })).nodeWidth;
  expect(widthFor("t_importResponses")).toBeGreaterThan(widthFor("t_a"));
  expect(widthFor("t".repeat(100))).toBe(widthFor("t".repeat(200)));
});
