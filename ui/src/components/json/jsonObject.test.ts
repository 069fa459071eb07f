import { expect, it } from "vitest";

import { jsonText, parseJsonObject } from "./jsonObject";

it("reads an object", () => {
  expect(parseJsonObject(jsonText({ age: 41 }))).toEqual({ value: { age: 41 } });
});

it.each(["", "{", "{'age': 41}", '{"age": 41,}'])("says what is wrong with %j", (text) => {
  expect(parseJsonObject(text).error).toMatch(/JSON/u);
});

it.each(["[]", "null", "1", '"x"'])("takes no %s, which is JSON but no object", (text) => {
  expect(parseJsonObject(text).error).toContain("object");
});
