import { describe, expect, it } from "vitest";

import type { InstanceGroup } from "~/api/types";

import { byConfiguration, filtersOfGroup, groupKey, instanceFilter } from "./filters";

const NOW = Date.parse("2026-03-02T00:00:00Z");

const group = (changes: Partial<InstanceGroup> = {}): InstanceGroup => ({
  configuration: "order",
  count: 1,
  error_type: "ValueError",
  latest: "2026-03-01T00:00:00Z",
  message: null,
  replays: 0,
  since: "2026-03-01T00:00:00Z",
  task: "t_a",
  ...changes,
});

describe("the filter of REST", () => {
  it("has what the address has, and no more", () => {
    expect(instanceFilter("failed", { configuration: "order", task: undefined }, NOW)).toEqual({
      configuration: "order",
      status: ["failed"],
    });
  });

  it("begins where the window of time begins", () => {
    expect(instanceFilter("stuck", { window: "24h" }, NOW)).toEqual({ since: "2026-03-01T00:00:00.000Z", stuck: true });
  });

  it("takes no window that there is not", () => {
    expect(instanceFilter("failed", { window: "100y" }, NOW)).toEqual({ status: ["failed"] });
  });
});

describe("a group", () => {
  it("narrows the filters", () => {
    expect(filtersOfGroup("failed", { window: "7d" }, group())).toEqual({
      configuration: "order",
      error_type: "ValueError",
      task: "t_a",
      window: "7d",
    });
  });

  it("of stuck instances needs no error", () => {
    expect(filtersOfGroup("stuck", {}, group({ error_type: null }))).toEqual({ configuration: "order", task: "t_a" });
  });

  it.each([{ configuration: null }, { error_type: null }])(
    "that no filter can name has none, so that an act cannot reach beyond it: %j",
    (changes) => {
      expect(filtersOfGroup("failed", {}, group(changes))).toBeUndefined();
    },
  );

  it("has a name of its own", () => {
    const keys = [group(), group({ task: "t_b" }), group({ error_type: null })].map((item) => groupKey("failed", item));

    expect(new Set([...keys, groupKey("stuck", group())]).size).toBe(4);
  });
});

it("puts groups below their configuration and their task", () => {
  const groups = [group(), group({ configuration: null }), group({ task: "t_b" }), group({ error_type: "KeyError" })];

  expect(byConfiguration(groups)).toEqual([
    [
      "order",
      [
        ["t_a", [groups[0], groups[3]]],
        ["t_b", [groups[2]]],
      ],
    ],
    [null, [["t_a", [groups[1]]]]],
  ]);
});
