import { expect, it } from "vitest";

import { statusOfTask, totalCounts } from "./counts";

it("takes the server's task_counts: the answer has only the newest instances", () => {
  const session = { task_counts: { t_a: { failed: 2 }, t_b: { failed: 1, finished: 9 } } };
  expect(totalCounts(session)).toEqual({ failed: 3, finished: 9 });
});

it("lets the status that needs somebody stand for a task", () => {
  expect(statusOfTask({ failed: 1, finished: 9 })).toBe("failed");
  expect(statusOfTask({ unstarted: 3 })).toBeUndefined();
});
