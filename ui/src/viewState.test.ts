import { expect, it } from "vitest";

import { searchOf, viewAddress } from "./viewState";

it("leaves out of an address what is not set", () => {
  expect(searchOf({ contains: "", open: false, status: undefined, task: "t_a" })).toBe("task=t_a");
});

it("repeats a parameter that has several values", () => {
  expect(searchOf({ status: ["failed", "running"] })).toBe("status=failed&status=running");
});

it("encodes names of any kind into a view's address", () => {
  expect(viewAddress("session", { instance: "t_a#0", session: "a/b&c" })).toEqual({
    pathname: "/plugin/triggers",
    search: "?view=session&instance=t_a%230&session=a%2Fb%26c",
  });
});
