import { expect, it } from "vitest";

import { pathThrough } from "./path";

it("is level at each place, and curved between", () => {
  const places = [
    { x: 0, y: 0 },
    { x: 10, y: 20 },
    { x: 30, y: 20 },
  ];

  expect(pathThrough(places)).toBe("M 0 0 C 5 0 5 20 10 20 C 20 20 20 20 30 20");
});
