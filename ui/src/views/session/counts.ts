/** How many instances a session has, by task and by status. */
import type { InstanceStatus, SessionDetail } from "~/api/types";

export type StatusCountsOf = Partial<Record<InstanceStatus, number>>;

/** By task and status. */
export const countsByTask = ({ task_counts: counts }: Pick<SessionDetail, "task_counts">) =>
  counts as Readonly<Record<string, StatusCountsOf>>;

/** By status, over all tasks. */
export const totalCounts = (session: Pick<SessionDetail, "task_counts">): StatusCountsOf => {
  const total: StatusCountsOf = {};
  for (const ofTask of Object.values(countsByTask(session))) {
    for (const [status, count] of Object.entries(ofTask) as Array<[InstanceStatus, number]>) {
      total[status] = (total[status] ?? 0) + count;
    }
  }
  return total;
};

const WORST_FIRST: readonly InstanceStatus[] = [
  "failed",
  "running",
  "scheduled",
  "finished",
  "skipped",
  "abandoned",
  "replayed",
];

/** The status that stands for a task: the one that needs somebody first; undefined while it only waits. */
export const statusOfTask = (counts: StatusCountsOf | undefined): InstanceStatus | undefined =>
  WORST_FIRST.find((status) => (counts?.[status] ?? 0) > 0);
