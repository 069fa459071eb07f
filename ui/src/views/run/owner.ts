/** Whose run a DAG run is: the plugin writes the session and the instance into the run's conf. */
import { queryOptions } from "@tanstack/react-query";

import { path, requestAirflow } from "~/api/client";
import type { InstanceKey } from "~/api/types";

export type DagRun = { readonly conf: unknown; readonly dag_run_id: string };

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};

/**
 * The instance of a run; undefined for a run that is nobody's. A run made by hand with the conf of another one is
 * nobody's too: the conf names the other run.
 */
export const ownerOf = ({ conf, dag_run_id }: DagRun): InstanceKey | undefined => {
  const { instance_name: name, run_id: runId, session_uid: sessionUid } = record(record(conf).triggers);
  return runId === dag_run_id && typeof name === "string" && typeof sessionUid === "string"
    ? { name, session_uid: sessionUid }
    : undefined;
};

export const dagRunQuery = (dagId: string, runId: string) =>
  queryOptions({
    queryFn: async ({ signal }) => requestAirflow<DagRun>(path("api/v2/dags/{}/dagRuns/{}", dagId, runId), { signal }),
    queryKey: ["airflow", "run", dagId, runId],
    // A run's conf never changes.
    staleTime: Number.POSITIVE_INFINITY,
  });
