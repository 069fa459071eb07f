import { expect, it } from "vitest";

import { filtersOf, isNarrowed, sessionsParams } from "./filters";

it("reads its filters from the address, and nothing else", () => {
  const search = new URLSearchParams("view=sessions&contains=17&state=open&version=&bulk=4");

  expect(filtersOf(search)).toEqual({ contains: "17", state: "open" });
});

it("turns them into the query of REST", () => {
  const filters = { contains: "17", has_failed: "true", idle_for: "3600", order_by: "-last_modified", state: "open" };

  expect(sessionsParams(filters)).toEqual({
    contains: "17",
    has_failed: true,
    idle_for: "3600",
    open: true,
    order_by: "-last_modified",
  });
});

it("sends no value that it does not offer", () => {
  expect(sessionsParams({ has_failed: "x", idle_for: "7", order_by: "age", state: "limit" })).toEqual({});
});

it("knows that an order leaves no session out", () => {
  expect(isNarrowed({ order_by: "last_modified" })).toBe(false);
  expect(isNarrowed({ state: "open" })).toBe(true);
});
