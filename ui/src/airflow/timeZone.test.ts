import { expect, it } from "vitest";

import { parseTimeZone } from "./timeZone";

it("reads the zone that Airflow has stored", () => {
  expect(parseTimeZone('"Asia/Tokyo"', "UTC")).toBe("Asia/Tokyo");
});

it.each([null, "", "Asia/Tokyo", "42", '"Nowhere/Land"'])("falls back to the browser's zone for %j", (stored) => {
  expect(parseTimeZone(stored, "Europe/Berlin")).toBe("Europe/Berlin");
});
