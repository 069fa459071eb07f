import { expect, it } from "vitest";

import { NODE_HEIGHT, NODE_WIDTH, placesOf } from "./layout";
import { graphOf } from "./rules";

const RULES = {
  t_a: { after: ["x", "y"] },
  t_b: { after: ["t_a"], andEvery: "page", unless: ["stop"] },
};

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
