import { expect, it } from "vitest";

import { countOfLastDay } from "./queries";

const fire = (fired_at: string) => ({ fired_at }) as Parameters<typeof countOfLastDay>[0][number];

it("counts the fires of the last 24 hours, whatever zone they are written in", () => {
  const fires = [fire("2026-03-02T11:59:59Z"), fire("2026-03-01T14:00:00+01:00"), fire("2026-03-01T11:59:59Z")];

  expect(countOfLastDay(fires, Date.parse("2026-03-02T12:00:00Z"))).toBe(2);
});
