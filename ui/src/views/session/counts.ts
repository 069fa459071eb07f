/** How many instances a session has, by task and by status. */
import type { InstanceStatus, SessionDetail } from "~/api/types";

export type StatusCountsOf = Partial<Record<InstanceStatus, number>>;

/** By task; counted by the server, or from the instances where it did not count. */
export const countsByTask = ({
  instances,
  task_counts: counts,
}: Pick<SessionDetail, "instances" | "task_counts">): Readonly<Record<string, StatusCountsOf>> => {
  if (counts !== undefined) {
    return counts;
  }
  const byTask: Record<string, StatusCountsOf> = {};
  for (const { status, task } of instances) {
    const ofTask = (byTask[task] ??= {});
    ofTask[status] = (ofTask[status] ?? 0) + 1;
  }
  return byTask;
};

/** By status, over all tasks. */
export const totalCounts = (session: Pick<SessionDetail, "instances" | "task_counts">): StatusCountsOf => {
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
