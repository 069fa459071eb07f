import { describe, expect, it } from "vitest";

import { durationText, momentOfClock, momentText, secondsBetween, sentenceParts } from "./times";

describe("a wall clock", () => {
  it.each([
    ["2031-05-17T08:00", "UTC", "2031-05-17T08:00:00.000Z"],
    ["2031-05-17T08:00", "Asia/Kolkata", "2031-05-17T02:30:00.000Z"],
    ["2026-03-29T01:30", "Europe/Berlin", "2026-03-29T00:30:00.000Z"],
    ["2026-03-29T03:30", "Europe/Berlin", "2026-03-29T01:30:00.000Z"],
  ])("at %s in %s is a moment", (clock, timeZone, moment) => {
    expect(momentOfClock(clock, timeZone)).toBe(moment);
  });
});

describe("a moment", () => {
  it("is written as Airflow writes it, in the chosen zone", () => {
    expect(momentText("2026-03-01T23:30:05Z", "UTC")).toBe("2026-03-01 23:30:05");
    expect(momentText("2026-03-01T23:30:05Z", "Asia/Kolkata")).toBe("2026-03-02 05:00:05");
  });

  it("keeps midnight as 00", () => {
    expect(momentText("2026-03-01T00:00:00+00:00", "UTC")).toBe("2026-03-01 00:00:00");
  });
});

describe("a duration", () => {
  it("is named by its largest unit", () => {
    expect([0, 59.9, 60, 3599, 3600, 86_399, 86_400, 172_800].map(durationText)).toEqual([
      "0 s",
      "59 s",
      "1 min",
      "59 min",
      "1 h",
      "23 h",
      "1 day",
      "2 days",
    ]);
  });

  it("is never negative, whatever the clocks say", () => {
    expect(durationText(-3)).toBe("0 s");
  });
});

it("counts the seconds between moments of different zones", () => {
  expect(secondsBetween("2026-03-01T12:00:00+01:00", "2026-03-01T11:01:00Z")).toBe(60);
});

it.each([
  [
    "t_a is to be fired at 2031-05-05 08:00:00 UTC; it failed.",
    [{ words: "t_a is to be fired at " }, { moment: "2031-05-05T08:00:00Z" }, { words: "; it failed." }],
  ],
  ["since 2031-05-05T08:00:00.123456+00:00", [{ words: "since " }, { moment: "2031-05-05T08:00:00.123456+00:00" }]],
  ["Nothing at 2031-05-05, or at 2031-13-45 08:00:00 UTC.", [{ words: "Nothing at 2031-05-05, or at 2031-13-45 08:00:00 UTC." }]],
  ["", []],
])("finds the moments in %j", (sentence, parts) => {
  expect(sentenceParts(sentence)).toEqual(parts);
});
