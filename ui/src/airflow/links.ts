/** Addresses of Airflow's own pages, for links of the router. */

export const dagAddress = (dagId: string): string => `/dags/${encodeURIComponent(dagId)}`;

export const runAddress = (dagId: string, runId: string): string =>
  `${dagAddress(dagId)}/runs/${encodeURIComponent(runId)}`;

/** The page with the logs of the run's task. */
export const taskInstanceAddress = (dagId: string, runId: string, taskId: string): string =>
  `${runAddress(dagId, runId)}/tasks/${encodeURIComponent(taskId)}`;

/** The controllers among Airflow's jobs. The type is that of `gateway/jobs.py`. */
export const CONTROLLERS_ADDRESS = "/jobs?job_type=TriggersControllerJob";
