import { expect, it } from "vitest";

import type { VainFire } from "~/api/types";

import { unheardGroups } from "./unheard";

const fire = (trigger: string, second: number, usedBy: string[] = [], similar: string[] = []): VainFire =>
  ({ fired_at: `2026-01-01T00:00:0${second}Z`, similar, trigger, used_by: usedBy }) as unknown as VainFire;

it("groups by trigger, misspelt ones before repeats, the latest first", () => {
  const groups = unheardGroups([
    fire("page", 5, ["t_a"]),
    fire("pgae", 1, [], ["page"]),
    fire("pgae", 3, [], ["page"]),
    fire("pag", 4, [], ["page"]),
  ]);
  expect(groups.map(({ fires, isUsed, trigger }) => [trigger, fires.length, isUsed])).toEqual([
    ["pag", 1, false],
    ["pgae", 2, false],
    ["page", 1, true],
  ]);
  expect(groups[1]).toMatchObject({ latest: "2026-01-01T00:00:03Z", similar: ["page"] });
});
