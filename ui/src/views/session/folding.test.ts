import { expect, it } from "vitest";

import type { HistoryEntry } from "~/api/types";

import { foldedLines } from "./folding";

const TASKS = new Set(["t_a"]);

const fire = (id: number, trigger: string, touched: string[] = []): HistoryEntry =>
  ({ created: [], fire_id: id, kind: "fire", touched, trigger }) as unknown as HistoryEntry;

it("folds ends of tasks that touched nothing, one after the other", () => {
  const lines = foldedLines([fire(4, "t_a"), fire(3, "t_a"), fire(2, "x"), fire(1, "t_a")], TASKS);
  expect(lines.map((line) => (line.kind === "folded" ? line.entries.length : line.entry))).toEqual([2, fire(2, "x"), 1]);
});

it("shows an end that touched something, and an unheard trigger that is no task's", () => {
  const lines = foldedLines([fire(2, "t_a", ["t_b#0"]), fire(1, "misspelt")], TASKS);
  expect(lines.map(({ kind }) => kind)).toEqual(["entry", "entry"]);
});
