import { expect, it } from "vitest";

import { alternatives, number, plural } from "./plurals";

it("chooses the noun's form by the count, and writes the number with its thousands apart", () => {
  const forms = { one: "# session", other: "# sessions" };

  expect([0, 1, 2, 12_345].map((count) => plural(count, forms))).toEqual([
    "0 sessions",
    "1 session",
    "2 sessions",
    "12,345 sessions",
  ]);
  expect(number(1_000_000)).toBe("1,000,000");
});

it("names alternatives", () => {
  expect(alternatives(["page"])).toBe("page");
  expect(alternatives(["firstPage", "lastPage", "page"])).toBe("firstPage, lastPage, or page");
});
