import { expect, it } from "vitest";

import { lastLineOf } from "./errors";

it.each([
  ["Traceback (most recent call last):\n  File …\nValueError: no\n", "ValueError: no"],
  ["closed on Mondays", "closed on Mondays"],
  ["", ""],
])("says what went wrong in %j", (error, line) => {
  expect(lastLineOf(error)).toBe(line);
});
