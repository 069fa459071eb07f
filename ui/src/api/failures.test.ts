import { expect, it } from "vitest";

import { ApiError } from "./client";
import { failureOf, untilRefused } from "./failures";

const failure = (status: number) => new ApiError(status, "", "no");

it.each([401, 403, 404, 422])("is not asked again after status %i, and shows nothing old", (status) => {
  const error = failure(status);

  expect(untilRefused(3000)({ state: { error } })).toBe(false);
  expect(failureOf({ data: {}, error })).toBe(error);
  expect(failureOf({ data: undefined, error })).toBe(error);
});

it.each([0, 408, 429, 500, 503])("is asked again after status %i, and shows what was read before", (status) => {
  const error = failure(status);

  expect(untilRefused(3000)({ state: { error } })).toBe(3000);
  expect(failureOf({ data: {}, error })).toBeUndefined();
  expect(failureOf({ data: undefined, error })).toBe(error);
});

it("is asked again while nothing fails, if Airflow's pages are", () => {
  expect(untilRefused(3000)({ state: { error: null } })).toBe(3000);
  expect(untilRefused(false)({ state: { error: null } })).toBe(false);
  expect(failureOf({ data: undefined, error: null })).toBeUndefined();
});
