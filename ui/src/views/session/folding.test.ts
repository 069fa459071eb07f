import { expect, it } from "vitest";

import type { HistoryEntry } from "~/api/types";

import { foldedHistory } from "./folding";

const TASKS = new Set(["t_a"]);

const fire = (id: number, trigger: string, touched: string[] = []): HistoryEntry =>
  ({ created: [], fire_id: id, kind: "fire", touched, trigger }) as unknown as HistoryEntry;

const HISTORY = [fire(4, "t_a"), fire(3, "t_a", ["t_b#0"]), fire(2, "misspelt"), fire(1, "t_a")];

it("leaves out ends of tasks that touched nothing, and counts them", () => {
  const { quietCount, shown } = foldedHistory(HISTORY, TASKS, { showsQuiet: false });
  expect(shown).toEqual([HISTORY[1], HISTORY[2]]);
  expect(quietCount).toBe(2);
});

it("shows them in their places on request", () => {
  expect(foldedHistory(HISTORY, TASKS, { showsQuiet: true })).toEqual({ quietCount: 2, shown: HISTORY });
});
